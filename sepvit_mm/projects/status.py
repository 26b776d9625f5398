"""Say on the terminal what is being done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from rich.status import Status

from ..terminal import console

# a config, and so a hook in it, is copied: it cannot hold what is on the terminal
_shown: ContextVar[Status] = ContextVar('_shown')


@contextmanager
def status(text: str) -> Iterator[None]:
    """Show a line on stderr while something lasts; nothing if that is no terminal.

    Args:
        text: what is being done.
    """
    with console(sys.stderr).status(text) as line:
        token = _shown.set(line)
        try:
            yield
        finally:
            _shown.reset(token)


@HOOKS.register_module()
class StepStatus(Hook):
    """Counts the steps of a training in the line of :func:`status`.

    Args:
        purpose: what they are for.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None
    ) -> None:
        """Show the number of the step.

        Args:
            runner: the runner, which counts the steps.
            batch_idx: unused.
            data_batch: unused.
        """
        _shown.get().update(
            f'{self._purpose}: {runner.iter + 1} of {runner.max_iters} steps'
        )
