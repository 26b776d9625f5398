"""Activation checkpointing that updates running statistics once per batch."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


class BatchStatisticsKept:
    """A context in which forward passes leave BatchNorm's running statistics alone.

    It can be entered repeatedly, once for each backward pass.

    Args:
        module: holds the BatchNorm layers to leave alone.
    """

    def __init__(self, module: nn.Module) -> None:
        self.norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]

    def __enter__(self) -> None:
        self.kept = [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        for norm, (_, count) in zip(self.norms, self.kept):
            norm.momentum = 0.0
            norm.num_batches_tracked = None if count is None else count.clone()

    def __exit__(self, *_: object) -> None:
        for norm, (momentum, count) in zip(self.norms, self.kept):
            norm.momentum, norm.num_batches_tracked = momentum, count


def recompute_later(block: nn.Module, x: Tensor) -> Tensor:
    """Run a block now, and again in the backward pass instead of storing activations.

    Args:
        block: maps a tensor to a tensor.
        x: its input.

    Returns:
        Its output.
    """
    has_norms = any(isinstance(module, _BatchNorm) for module in block.modules())
    # Compiled code updates the statistics only once anyway.
    if not has_norms or torch.compiler.is_compiling():
        return checkpoint(block, x, use_reentrant=False)

    # The second pass over the same batch must not update the running statistics.
    def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        return nullcontext(), BatchStatisticsKept(block)

    return checkpoint(block, x, use_reentrant=False, context_fn=contexts)
