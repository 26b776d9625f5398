"""Compilation of the backbone, and of nothing around it."""

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
    included, and again for every learning rate and every number of objects, until
    PyTorch gives up. The backbones of this package are one graph each, which is
    compiled once for each size of images in training and once in evaluation, up to
    ``torch._dynamo.config.recompile_limit`` in all; other sizes run uncompiled.

    Parameters keep their names, so checkpoints stay the same.

    Args:
        backend: of ``torch.compile``, a name or a function. Defaults to 'inductor'.
        dynamic: whether one graph is for all sizes. Defaults to False: inductor of
            torch 2.9 fails on channels-last views of symbolic size.

    Raises:
        ValueError: there is no backend of this name.
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
        """Compile ``runner.model.backbone`` in place, when it is first called.

        Raises:
            ValueError: the model has no backbone.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not hasattr(model, 'backbone'):
            raise ValueError(f'{type(model).__name__} has no backbone to compile')
        model.backbone.compile(backend=self.backend, dynamic=self.dynamic)
