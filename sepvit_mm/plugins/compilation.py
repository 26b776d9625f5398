"""Compile the backbone, and only the backbone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class CompileBackboneHook(Hook):
    """Compile a model's backbone with ``torch.compile``.

    mmengine's own ``compile=True`` compiles the whole training step, optimizer
    included, and again for every learning rate and number of objects, until PyTorch
    gives up. Each backbone of this package is one graph, compiled once for each image
    size in training and once in evaluation, up to
    ``torch._dynamo.config.recompile_limit`` in all; further sizes run uncompiled.

    Parameters keep their names, so checkpoints stay the same.

    Args:
        backend: for ``torch.compile``, a name or a function. Defaults to 'inductor'.
        dynamic: whether one graph serves all sizes. Defaults to False: inductor in
            torch 2.9 fails on channels-last views of symbolic size.

    Raises:
        ValueError: there is no backend with this name.
    """

    def __init__(
        self, *, backend: str | Callable = 'inductor', dynamic: bool = False
    ) -> None:
        known = torch.compiler.list_backends(exclude_tags=('experimental',))
        if isinstance(backend, str) and backend not in known:
            raise ValueError(
                f'backend is {backend!r}, but must be one of {", ".join(known)}'
            )
        self.backend = backend
        self.dynamic = dynamic

    def before_run(self, runner: Runner) -> None:
        """Set ``runner.model.backbone`` to be compiled, in place, at its first call.

        Args:
            runner: the runner with the model.

        Raises:
            ValueError: the model has no backbone.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, 'backbone'):
            raise ValueError(f'{type(model).__name__} has no backbone to compile')
        model.backbone.compile(backend=self.backend, dynamic=self.dynamic)
