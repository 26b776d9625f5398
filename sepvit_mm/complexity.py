"""Multiply-accumulates of a model, attention products included."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def _deform_conv2d_flops(
    x_shape: torch.Size, weight_shape: torch.Size, *_: Any, out_shape: Any, **__: Any
) -> int:
    return 2 * math.prod(out_shape) * math.prod(weight_shape[1:])


def _formulas() -> dict[Any, Any]:
    """FLOPs of operators that PyTorch's counter does not know."""
    try:
        import torchvision  # noqa: F401  registers its operators
    except ImportError:
        return {}
    return {torch.ops.torchvision.deform_conv2d: _deform_conv2d_flops}


def count_macs(model: nn.Module, inputs: Tensor) -> int:
    """Count the multiply-accumulates of one forward pass.

    Papers call these FLOPs. Products of matrices and convolutions, deformable ones
    too, are counted; norms, activations, additions and interpolation are not. A model
    and inputs on the ``meta`` device are counted without computing anything.

    Args:
        model: any module; it is run as it is, in its current mode.
        inputs: its only input, of any device the model is on.

    Returns:
        Multiply-accumulates of the whole batch.
    """
    # Fused attention is one opaque operator; its reference is matrix products.
    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    with counter, sdpa_kernel(SDPBackend.MATH):
        model(inputs)
    return counter.get_total_flops() // 2
