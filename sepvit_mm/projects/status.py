"""Say on the terminal what is being done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ..terminal import console


@contextmanager
def status(text: str) -> Iterator[None]:
    """Show a line on stderr while something lasts; nothing if that is no terminal.

    Args:
        text: what is being done.
    """
    with console(sys.stderr).status(text):
        yield


@HOOKS.register_module()
class StepStatus(Hook):
    """Counts the steps of a training on stderr; not if that is no terminal.

    Args:
        purpose: what they are for.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._line = console(sys.stderr).status(purpose)

    def before_train(self, runner: Runner) -> None:
        """Show the line.

        Args:
            runner: unused.
        """
        self._line.start()

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None
    ) -> None:
        """Show the number of the step.

        Args:
            runner: the runner, which counts the steps.
            batch_idx: unused.
            data_batch: unused.
        """
        self._line.update(
            f'{self._purpose}: {runner.iter + 1} of {runner.max_iters} steps'
        )

    def after_train(self, runner: Runner) -> None:
        """Remove the line.

        Args:
            runner: unused.
        """
        self._line.stop()
