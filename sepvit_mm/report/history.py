"""How a run went: losses, rates and metrics that mmengine wrote while it trained."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

Curve = list[tuple[float, float]]
"""Steps or epochs, each with a value."""

NO_METRICS = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory', 'base_lr'}


@dataclass
class History:
    """Values over the steps of a run, in the order of mmengine's log.

    Attributes:
        training: curves of losses, learning rate and the like, by name.
        metrics: curves of the validation's metrics, by name.
        by_epoch: whether metrics are counted in epochs. Defaults to False: in steps.
        sessions: number of times that the run was started or resumed.
        unreadable: lines that are no JSON, as a full disk or a killed process leaves
            them.
    """

    training: dict[str, Curve] = field(default_factory=dict)
    metrics: dict[str, Curve] = field(default_factory=dict)
    by_epoch: bool = False
    sessions: int = 0
    unreadable: int = 0

    @property
    def steps(self) -> int:
        """The last step in the log."""
        curves = [*self.training.values()]
        if not self.by_epoch:
            curves += self.metrics.values()
        return int(max((curve[-1][0] for curve in curves), default=0))

    @property
    def epochs(self) -> int:
        """The last epoch that was validated."""
        return int(max((c[-1][0] for c in self.metrics.values()), default=0))


def read_history(work_dir: str | Path) -> History:
    """Read the log of a run, joined over the sessions that resumed it.

    A resumed session begins at an earlier step than the last one ended with; what it
    did again replaces what was there.

    Args:
        work_dir: the folder of the run.
    """
    history = History()
    training: list[dict[str, Any]] = []
    metrics: list[dict[str, Any]] = []
    for path in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        rows, unreadable = _rows(path)
        history.unreadable += unreadable
        steps = [row for row in rows if 'lr' in row or 'loss' in row]
        if not steps:  # a test
            continue
        history.sessions += 1
        first = steps[0]
        history.by_epoch = 'epoch' in first
        unit = 'epoch' if history.by_epoch else 'step'
        training = [row for row in training if row['step'] < first['step']] + steps
        metrics = [row for row in metrics if row['step'] < first[unit]] + [
            row for row in rows if row not in steps
        ]
    history.training = _curves(training)
    history.metrics = _curves(metrics)
    return history


def _rows(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the rows of a file, and the number of lines that are none."""
    rows, unreadable = [], 0
    for line in path.read_text(errors='replace').splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and isinstance(row.get('step'), Real):
            rows.append(row)
        elif line.strip():
            unreadable += 1
    return rows, unreadable


def _curves(rows: Iterable[dict[str, Any]]) -> dict[str, Curve]:
    found: dict[str, Curve] = {}
    for row in rows:
        for name, value in row.items():
            known = isinstance(value, Real) and math.isfinite(value)
            # COCO's metrics are -1 where there is nothing to measure
            if known and name not in NO_METRICS and value != -1:
                found.setdefault(name, []).append((row['step'], float(value)))
    return found
