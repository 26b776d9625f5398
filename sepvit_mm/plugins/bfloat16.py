"""Mixed precision in bfloat16 for models with operators that do not know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import nn
from torch.utils._pytree import tree_map

if TYPE_CHECKING:
    from mmengine.runner import Runner

# mmcv's operators are built for float32 and float16. These packages have modules that
# call them on what they are given, or on what they return.
CALL_ON_INPUTS = (
    'mmcv.ops',
    'mmdet.models.losses',
    'mmdet.models.roi_heads.roi_extractors',
)
CALL_ON_OUTPUTS = ('mmdet.models.dense_heads',)  # suppression of non-maxima


def _in_float32(value: Any) -> Any:
    is_short = isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16
    return value.float() if is_short else value


def _cast_inputs(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return tree_map(_in_float32, args), tree_map(_in_float32, kwargs)


def _cast_outputs(module: nn.Module, args: tuple, outputs: Any) -> Any:
    return tree_map(_in_float32, outputs)


@HOOKS.register_module()
class Bfloat16Hook(Hook):
    """Let a detector train in bfloat16 although mmcv's operators do not know it.

    Under autocast features are in bfloat16, for which RoIAlign, the focal loss and the
    suppression of non-maxima stop with an error; with this hook they get float32. It is
    for ``optim_wrapper=dict(type='AmpOptimWrapper', dtype='bfloat16')``, and has no
    effect in other precisions.
    """

    def before_train(self, runner: Runner) -> None:
        """Cast what modules that call mmcv's operators are given, or what they return.

        Args:
            runner: has the model.
        """
        for module in runner.model.modules():
            package = type(module).__module__
            if package.startswith(CALL_ON_INPUTS):
                module.register_forward_pre_hook(_cast_inputs, with_kwargs=True)
            if package.startswith(CALL_ON_OUTPUTS):
                module.register_forward_hook(_cast_outputs)
