"""Multiply-accumulates of a model, attention products included."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def count_macs(model: nn.Module, inputs: Tensor) -> int:
    """Count the multiply-accumulates of one forward pass.

    Papers call these FLOPs. Products of matrices and convolutions are counted;
    norms, activations and additions are not. A model and inputs on the ``meta``
    device are counted without computing anything.

    Args:
        model: any module; it is run as it is, in its current mode.
        inputs: its only input, of any device the model is on.

    Returns:
        Multiply-accumulates of the whole batch.
    """
    # Fused attention is one opaque operator; its reference is matrix products.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(inputs)
    return counter.get_total_flops() // 2
