"""The precision that a model trains and predicts in, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import nn

from ..backbones.arch import require_one_of
from ..errors import InputError
from ..measure.cases import DTYPES, Precision
from ..plugins.bfloat16 import (
    Bfloat16OptimWrapper,
    cast_for_operators,
    cpu_has_bfloat16,
)
from .config import type_of

MMENGINES = 'AmpOptimWrapper'
OURS = Bfloat16OptimWrapper.__name__
IN_FLOAT32 = 'OptimWrapper'


def in_float32(optim_wrapper: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the settings of an optimizer wrapper, without mixed precision.

    Args:
        optim_wrapper: the settings; left unchanged.
    """
    return _of_type(IN_FLOAT32, optim_wrapper)


def suited(optim_wrapper: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Copy the settings of an optimizer wrapper as this machine can train with them.

    Without a GPU, mmengine refuses mixed precision. In bfloat16, our own wrapper takes
    its place on a processor that computes in it.

    Args:
        optim_wrapper: the settings; left unchanged.

    Returns:
        The settings, and what is to be said about them, or nothing.
    """
    kind = type_of(optim_wrapper)
    if kind not in (MMENGINES, OURS) or torch.cuda.is_available():
        return dict(optim_wrapper), ''
    if kind != OURS and str(optim_wrapper.get('dtype')) not in (
        'bfloat16',
        'torch.bfloat16',
    ):
        return in_float32(optim_wrapper), (
            'no GPU: training in float32, not in mixed precision in float16'
        )
    if not cpu_has_bfloat16():
        return in_float32(optim_wrapper), (
            'no GPU, and this processor would only emulate bfloat16: training in '
            'float32'
        )
    said = '' if kind == OURS else f'no GPU: training in bfloat16 by {OURS}'
    return _of_type(OURS, optim_wrapper), said


def predict_in(precision: Precision, model: nn.Module) -> None:
    """Let a model predict in a precision, by autocast.

    Args:
        precision: 'fp32' leaves the model as it is.
        model: the model, changed in place, on the device where it will predict.

    Raises:
        InputError: the precision is float16, and the device a CPU.
    """
    require_one_of('precision', precision, Precision)
    if precision == 'fp32':
        return
    device = next(model.parameters()).device.type
    if precision == 'fp16' and device == 'cpu':
        raise InputError('precision fp16 needs a GPU; on the CPU, use fp32 or bf16')
    if precision == 'bf16':
        cast_for_operators(model)
    # mmengine's test loop switches an autocast off that is around it
    for part in model.modules():
        if isinstance(part, BaseModel):
            autocast = torch.autocast(device, DTYPES[precision])
            part.forward = autocast(part.forward)


def _of_type(kind: str, optim_wrapper: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(optim_wrapper)
    if type_of(settings) in (MMENGINES, OURS):
        settings['type'] = kind
        settings.pop('loss_scale', None)
        settings.pop('dtype', None)
    return settings
