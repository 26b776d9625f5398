"""Show how runs went, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from . import plots
from .history import Curve, History
from .parts import Figure, Table, number

MAIN = ('segm_mAP', 'bbox_mAP', 'mAP', 'mIoU', 'top1')
"""Metrics by which runs are compared, as the libraries call them, the first first."""
SHOWN = 6
"""Lines of a figure, or figures of metrics if there are several runs."""


def figures(names: Sequence[str], histories: Sequence[History]) -> list[Figure]:
    """Draw loss, learning rate and metrics over the steps.

    Args:
        names: of the runs.
        histories: of the runs.
    """
    found = [
        _compared('Loss', 'loss', names, [h.training for h in histories], 'step'),
        _compared(
            'Learning rate', 'lr', names, [h.training for h in histories], 'step'
        ),
    ]
    units = {'epoch' if h.by_epoch else 'step' for h in histories if h.metrics}
    unit = ' or '.join(sorted(units))
    if len(histories) == 1:
        own = histories[0]
        parts = {
            name: curve
            for name, curve in own.training.items()
            if 'loss' in name and name != 'loss'
        }
        if len(parts) > 1:
            shown = dict(list(parts.items())[:SHOWN])
            found.insert(1, plots.lines('Parts of the loss', shown, x='step'))
        if own.metrics:
            shown = dict(list(own.metrics.items())[:SHOWN])
            found.append(plots.lines('Metrics of the validation', shown, x=unit))
    else:
        first = [main_metric(h) for h in histories if h.metrics]
        others = [name for h in histories for name in h.metrics]
        metrics = dict.fromkeys([*first, *others])
        for metric in list(metrics)[:SHOWN]:
            found.append(
                _compared(metric, metric, names, [h.metrics for h in histories], unit)
            )
    return [figure for figure in found if figure is not None]


def _compared(
    title: str,
    key: str,
    names: Sequence[str],
    curves: Sequence[dict[str, Curve]],
    unit: str,
) -> Figure | None:
    drawn = {name: own[key] for name, own in zip(names, curves) if own.get(key)}
    return plots.lines(title, drawn, x=unit) if drawn else None


def summary(names: Sequence[str], histories: Sequence[History]) -> Table | None:
    """Tell of each run how far it went, and its best value of the main metric.

    Args:
        names: of the runs.
        histories: of the runs.
    """
    rows = []
    for name, history in zip(names, histories):
        if not history.sessions:
            continue
        loss = history.training.get('loss', [])
        row = [name, str(history.steps), str(history.sessions)]
        row.append(number(loss[-1][1]) if loss else '–')  # noqa: RUF001
        if history.metrics:
            metric = main_metric(history)
            curve = history.metrics[metric]
            at, best = max(curve, key=lambda point: point[1])
            unit = 'epoch' if history.by_epoch else 'step'
            row += [metric, number(best), f'{unit} {at:g}', number(curve[-1][1])]
        else:
            row += ['–'] * 4  # noqa: RUF001
        rows.append(row)
    headers = ['run', 'steps', 'sessions', 'last loss', 'metric', 'best', 'at', 'last']
    return Table('How far training went', headers, rows) if rows else None


def main_metric(history: History) -> str:
    """Return the name of the metric that a run is judged by.

    Args:
        history: of the run, with metrics.
    """
    short = {name.rpartition('/')[2]: name for name in history.metrics}
    return next((short[n] for n in MAIN if n in short), next(iter(history.metrics)))
