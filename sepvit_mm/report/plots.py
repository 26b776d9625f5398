"""Plots of a report, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .objects import Curve

GREY = '#7f8b97'  # readable on both
# Okabe and Ito's colours without black, which people with any colour vision tell apart
COLOURS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#b8a800')
STYLES = ('-', '--', ':', '-.')


def figure(width: float = 5.2, height: float = 3.2) -> tuple[Any, Any]:
    """Return a figure and its axes, with a clear background.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            'matplotlib is not installed: pip install "sepvit_mm[report]"'
        ) from error
    fig = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(fig)
    axes = fig.subplots()
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(GREY)
    axes.tick_params(colors=GREY, labelsize=8)
    axes.grid(color=GREY, alpha=0.2, linewidth=0.6)
    return fig, axes


def png(fig: Any) -> bytes:
    """Return a figure as the content of a PNG file."""
    stream = BytesIO()
    fig.savefig(stream, format='png', dpi=130, transparent=True)
    return stream.getvalue()


def _labels(axes: Any, across: str, up: str) -> None:
    axes.set_xlabel(across, color=GREY, fontsize=9)
    axes.set_ylabel(up, color=GREY, fontsize=9)


def _legend(axes: Any, count: int) -> None:
    if count > 1:
        axes.legend(fontsize=7, frameon=False, labelcolor=GREY, ncols=1 + (count > 8))


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str
) -> bytes:
    """Plot values over steps, a line each.

    Args:
        series: pairs of step and value, by name.
        across: what the steps are.
        up: what the values are.
    """
    fig, axes = figure()
    for index, (name, points) in enumerate(series.items()):
        steps, values = zip(*points)
        axes.plot(
            steps,
            values,
            STYLES[index // len(COLOURS) % len(STYLES)],
            color=COLOURS[index % len(COLOURS)],
            linewidth=1.6,
            marker='o' if len(points) < 12 else None,
            markersize=3,
            label=_plain(name),
        )
    _labels(axes, across, up)
    _legend(axes, len(series))
    return png(fig)


def curves(named: Mapping[str, Curve], kind: str) -> bytes:
    """Plot precision over recall, or F1 over the score threshold.

    Args:
        named: curves by class; '' is all classes together.
        kind: 'precision-recall' or 'F1'.
    """
    fig, axes = figure()
    shown = [(name, line) for name, line in named.items() if line]
    for index, (name, line) in enumerate(shown):
        across, up = (line.recall, line.precision)
        if kind == 'F1':
            across, up = line.scores, line.f1
        style = dict(color=COLOURS[index % len(COLOURS)], linewidth=2.2 - bool(name))
        axes.plot(across, up, label=_plain(name or 'all classes'), **style)
        axes.plot(across[line.best], up[line.best], 'o', markersize=4, **style)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    if kind == 'F1':
        _labels(axes, 'score threshold', 'F1')
    else:
        _labels(axes, 'recall', 'precision')
    _legend(axes, len(shown))
    return png(fig)


def sizes(counts: Mapping[str, tuple[int, int]]) -> bytes:
    """Plot objects found and missed, by size."""
    fig, axes = figure(height=2.2)
    found = [pair[0] for pair in counts.values()]
    missed = [pair[1] for pair in counts.values()]
    axes.barh([*counts], found, color=COLOURS[0], label='found')
    axes.barh([*counts], missed, left=found, color=COLOURS[1], label='missed')
    axes.invert_yaxis()
    _labels(axes, 'objects', '')
    _legend(axes, 2)
    return png(fig)


def matrix(confusion: NDArray, rows: Sequence[str], columns: Sequence[str]) -> bytes:
    """Plot a confusion matrix, coloured by the share of a row.

    Args:
        confusion: counts; rows are truth.
        rows: their names.
        columns: their names.
    """
    side = min(max(3.0, 0.45 * len(columns) + 1.6), 14)
    fig, axes = figure(side, side * 0.9)
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap='Blues', vmin=0, vmax=1)
    axes.grid(False)
    axes.set_xticks(range(len(columns)), [_plain(n) for n in columns], rotation=90)
    axes.set_yticks(range(len(rows)), [_plain(n) for n in rows])
    if len(columns) <= 15:
        for (row, column), count in np.ndenumerate(confusion):
            text = f'{count}' if count < 1e5 else f'{share[row, column]:.0%}'
            dark = 'white' if share[row, column] > 0.5 else '#222222'
            axes.text(
                column, row, text, ha='center', va='center', fontsize=7, color=dark
            )
    _labels(axes, 'predicted', 'truth')
    return png(fig)


def _plain(name: str) -> str:
    """Keep matplotlib from reading a name as a formula, or hiding it."""
    return name.replace('$', r'\$').replace('_', '\u200a_', 1 if name[:1] == '_' else 0)
