"""Say what a training will do, how long it will take, and where its results are."""

from __future__ import annotations

import io
import shlex
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import HOOKS
from rich.table import Table

from ..checkpoints.whole import latest_checkpoint
from ..terminal import console
from .plan import Rows, plan, steps_in_all

if TYPE_CHECKING:
    from mmengine.runner import Runner

# What is compared between evaluations, if the checkpoint hook's save_best does not say.
MAIN_METRICS = ('coco/segm_mAP', 'coco/bbox_mAP', 'mIoU', 'accuracy/top1')
SETTLING = 5  # the first steps are slower: memory, caches, compilation
TIMED = 30


@HOOKS.register_module()
class SummaryHook(Hook):
    """Log a table before training, the expected time, and a table after it.

    The first table says what training will do: data, length, batch, learning rate,
    precision, weights. The expected time is logged once, after a few dozen steps, and
    does not include evaluations. The last table says where everything is, which
    evaluation was the best, and which commands go on from there.

    ``sepvit-mm train`` adds this hook by itself.
    """

    priority = 'VERY_LOW'  # after the checkpoints are saved

    def __init__(self) -> None:
        self._steps: list[float] = []  # seconds that each of the first steps took
        self._last: float | None = None  # when the step before ended
        self._began = 0.0
        self._metrics: list[tuple[int, dict[str, Any]]] = []

    def before_train(self, runner: Runner) -> None:
        """Log what the run will do.

        Args:
            runner: the runner, with its weights initialised or resumed.
        """
        self._steps, self._last, self._metrics = [], None, []
        self._began = time.monotonic()
        if is_main_process():
            _log(runner, 'This training', plan(runner))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Log the expected time, once.

        Args:
            runner: the runner, which counts the steps.
            batch_idx: unused.
            data_batch: unused.
            outputs: unused.
        """
        if len(self._steps) == TIMED:
            return
        now = time.monotonic()
        if self._last is not None:
            self._steps.append(now - self._last)
        self._last = now
        if len(self._steps) == TIMED:
            step = mean(self._steps[SETTLING:])
            left = step * (steps_in_all(runner) - runner.iter - 1)
            end = datetime.now() + timedelta(seconds=left)
            days = (end.date() - datetime.now().date()).days
            until = f'{end:%H:%M}' if not days else f'{end:%Y-%m-%d %H:%M}'
            runner.logger.info(
                f'expected time: {duration(left)}, until {until}, evaluations not '
                'included'
            )

    def before_val(self, runner: Runner) -> None:
        """Leave the evaluation out of the expected time.

        Args:
            runner: unused.
        """
        self._last = None

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Remember the metrics.

        Args:
            runner: the runner, which counts the steps.
            metrics: values by name.
        """
        self._metrics.append((runner.iter, metrics or {}))

    def after_train(self, runner: Runner) -> None:
        """Log where everything is.

        Args:
            runner: the runner.
        """
        if is_main_process():
            took = duration(time.monotonic() - self._began)
            _log(runner, f'Trained in {took}', self._results(runner))
            # no table: commands are to be copied, so they stay in a line
            commands = [f'  {command}' for command in _next_commands(runner)]
            runner.logger.info('\n'.join(['To go on', *commands]))

    def _results(self, runner: Runner) -> Rows:
        work_dir = Path(runner.work_dir)
        yield 'last checkpoint', str(latest_checkpoint(work_dir) or 'none was saved')
        if best := best_checkpoint(runner):
            yield 'best checkpoint', best
        if best_metric := self._best(runner):
            yield 'best evaluation', best_metric
        yield 'log', str(Path(runner.log_dir) / f'{runner.timestamp}.log')
        scalars = Path(runner.log_dir) / 'vis_data' / 'scalars.json'
        if scalars.is_file():
            yield 'losses, metrics', str(scalars)

    def _best(self, runner: Runner) -> str | None:
        saver = _saver(runner)
        # what save_best compares, and how; there is neither without it
        keys = getattr(saver, 'key_indicators', None) or []
        rules = dict(zip(keys, getattr(saver, 'rules', [])))
        for key in (*rules, *MAIN_METRICS, *self._first_names()):
            values = [(step, m[key]) for step, m in self._metrics if key in m]
            if values:
                pick = min if rules.get(key) == 'less' else max
                step, value = pick(values, key=lambda pair: pair[1])
                return f'{key} {value:.4g} at step {step:,}'
        return None

    def _first_names(self) -> Iterable[str]:
        return next((list(m)[:1] for _, m in self._metrics if m), [])


def duration(seconds: float) -> str:
    """Write a time in words, e.g. 'about 11 min'.

    Args:
        seconds: the time.
    """
    if seconds < 90:
        return f'about {seconds:.0f} s'
    if seconds < 5400:
        return f'about {seconds / 60:.0f} min'
    return f'about {seconds / 3600:.1f} h'


def best_checkpoint(runner: Runner) -> str | None:
    """Return the path of the checkpoint that ``save_best`` kept, if it kept one.

    Args:
        runner: the runner after training.
    """
    saver = _saver(runner)
    kept = [getattr(saver, 'best_ckpt_path', None)]
    kept += getattr(saver, 'best_ckpt_path_dict', {}).values()
    return next(filter(None, kept), None)


def _saver(runner: Runner) -> CheckpointHook | None:
    savers = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
    return savers[0] if savers else None


def _next_commands(runner: Runner) -> Iterator[str]:
    """Yield commands on the config as it was run, with all options."""
    work_dir = Path(runner.work_dir)
    checkpoint = best_checkpoint(runner) or latest_checkpoint(work_dir)
    if checkpoint is None:
        return
    config = shlex.quote(str(work_dir / Path(runner.cfg.filename or '').name))
    file = shlex.quote(str(checkpoint))
    if runner.cfg.filename:
        yield f'sepvit-mm test {config} {file}'
        yield f'sepvit-mm predict {config} {file} IMAGES --out FOLDER'
    yield f'sepvit-mm report {shlex.quote(str(work_dir))}'


def _log(runner: Runner, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Log names and values in two columns, on the terminal and in the file."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow='fold')
    for name, value in rows:
        table.add_row(f'  {name}', value)
    stream = io.StringIO()
    console(stream, width=console().width).print(table)
    lines = [title, *map(str.rstrip, stream.getvalue().splitlines())]
    runner.logger.info('\n'.join(lines))
