"""Mixed precision in bfloat16, on GPUs and on CPUs that compute in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from torch import nn
from torch.utils._pytree import tree_map

if TYPE_CHECKING:
    from mmengine.runner import Runner

# mmcv's operators support float32 and float16. These packages have modules that call
# them on their inputs, or on their own outputs.
CALL_ON_INPUTS = (
    'mmcv.ops',
    'mmdet.models.losses',
    'mmdet.models.roi_heads.roi_extractors',
)
CALL_ON_OUTPUTS = ('mmdet.models.dense_heads',)  # for non-maximum suppression


def cpu_has_bfloat16() -> bool:
    """Tell whether this processor multiplies in bfloat16 (AVX512-BF16 or AMX).

    Others convert every operand, which takes longer than float32.
    """
    probes = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return any(getattr(torch.cpu, name, bool)() for name in probes)


def _in_float32(value: Any) -> Any:
    is_short = isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16
    return value.float() if is_short else value


def _cast_inputs(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return tree_map(_in_float32, args), tree_map(_in_float32, kwargs)


def _cast_outputs(module: nn.Module, args: tuple, outputs: Any) -> Any:
    return tree_map(_in_float32, outputs)


def cast_for_operators(model: nn.Module) -> None:
    """Give mmcv's operators float32 under autocast in bfloat16.

    Args:
        model: the model, changed in place.
    """
    for module in model.modules():
        package = type(module).__module__
        if package.startswith(CALL_ON_INPUTS):
            module.register_forward_pre_hook(_cast_inputs, with_kwargs=True)
        if package.startswith(CALL_ON_OUTPUTS):
            module.register_forward_hook(_cast_outputs)


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Train under autocast in bfloat16, on any device.

    mmengine's ``AmpOptimWrapper`` refuses CPUs. Bfloat16 has the range of float32, so
    the loss is not scaled. Weights, their gradients and the optimizer's state stay in
    float32. Takes the arguments of mmengine's ``OptimWrapper``; detectors need
    :class:`Bfloat16Hook` beside it.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute the losses in bfloat16 where autocast finds that safe.

        Args:
            model: the model, for its device.
        """
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield


@HOOKS.register_module()
class Bfloat16Hook(Hook):
    """Train a detector in bfloat16 although mmcv's operators do not support it.

    Under autocast features are in bfloat16, for which RoIAlign, the focal loss and
    non-maximum suppression raise an error; this hook gives them float32 instead. It is
    for ``optim_wrapper=dict(type='Bfloat16OptimWrapper')``, and has no effect in other
    precisions.
    """

    def before_train(self, runner: Runner) -> None:
        """Register casts on modules whose inputs or outputs reach mmcv's operators.

        Args:
            runner: the runner with the model.
        """
        cast_for_operators(runner.model)
