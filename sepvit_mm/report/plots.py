"""Plots, as SVG that takes on the colours of the page around it, and as PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from ..drawing.colours import OKABE_ITO
from ..errors import InputError
from .parts import Figure

# Okabe and Ito's colours, those with the most contrast to black and white first.
COLOURS = tuple(
    '#{:02x}{:02x}{:02x}'.format(*OKABE_ITO[i]) for i in (6, 0, 3, 2, 4, 1, 5)
)
INK = '#010203'
PIXELS_PER_INCH = 200
OF_PAGE = {INK: 'currentColor', COLOURS[0]: 'var(--blue)'}
"""Colours that the page decides on, since they depend on its background."""
SETTINGS: Any = {
    'svg.fonttype': 'none',  # text stays text
    'svg.hashsalt': 'sepvit_mm',  # equal plots are equal files
    'text.parse_math': False,
    'font.size': 9,
    'font.family': 'sans-serif',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'grid.alpha': 0.2,
    'lines.linewidth': 1.6,
    **dict.fromkeys(
        ('text.color', 'axes.edgecolor', 'axes.labelcolor', 'grid.color'), INK
    ),
    **dict.fromkeys(('xtick.color', 'ytick.color'), INK),
}

Line = Sequence[tuple[float, float]]
"""Points of a line, x and y."""


def lines(
    title: str,
    drawn: Mapping[str, Line],
    *,
    x: str,
    y: str = '',
    alt: str = '',
    unit_square: bool = False,
    mark: tuple[float, float] | None = None,
) -> Figure:
    """Draw lines by name.

    Args:
        title: of the figure.
        drawn: points of each line.
        x: what is on the x axis.
        y: what is on the y axis. Defaults to nothing.
        alt: the figure in words. Defaults to the names of the lines, and where they
            end.
        unit_square: whether both axes go from 0 to 1. Defaults to False.
        mark: a point to mark. Defaults to None.
    """
    legend = list(zip(drawn, cycle(COLOURS)))
    with _axes(title, x, y) as (axes, files):
        for (name, line), (_, colour) in zip(drawn.items(), legend):
            marker = 'o' if len(line) < 20 else ''
            axes.plot(
                *zip(*line), color=colour, marker=marker, markersize=3, label=name
            )
        if unit_square:
            axes.set(xlim=(0, 1.01), ylim=(0, 1.02))
        if mark is not None:
            axes.plot(*mark, 'o', color=legend[0][1], markersize=7)
            axes.axvline(mark[0], color=INK, linewidth=0.8, linestyle=':')
    ends = '; '.join(
        f'{name} ends at {line[-1][1]:.4g}' for name, line in drawn.items()
    )
    svg, png = files
    return Figure(title, svg, png, alt or f'{title}: {ends}', _shown(legend))


def stacked(
    title: str, names: Sequence[str], parts: Mapping[str, Sequence[int]], *, x: str
) -> Figure:
    """Draw bars that are divided into parts.

    Args:
        title: of the figure.
        names: of the bars.
        parts: counts of each part, bar by bar.
        x: what the bars stand for.
    """
    legend = list(zip(parts, COLOURS))
    below = [0] * len(names)
    with _axes(title, x, 'objects') as (axes, files):
        axes.grid(visible=False, axis='x')
        for (part, counts), (_, colour) in zip(parts.items(), legend):
            axes.bar(range(len(names)), counts, bottom=below, color=colour, label=part)
            below = [a + b for a, b in zip(below, counts)]
        axes.set_xticks(range(len(names)), names)
    words = '; '.join(
        f'{name}: ' + ', '.join(f'{counts[i]} {part}' for part, counts in parts.items())
        for i, name in enumerate(names)
    )
    svg, png = files
    return Figure(title, svg, png, f'{title}: {words}', _shown(legend))


@contextmanager
def _axes(title: str, x: str, y: str) -> Iterator[tuple[Any, list[Any]]]:
    """Yield axes to draw on, and a list that has the SVG and the PNG afterwards."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise InputError(
            'report needs matplotlib: pip install "sepvit_mm[report]"'
        ) from error
    files: list[Any] = []
    with rc_context(SETTINGS):
        canvas = Canvas(figsize=(5.4, 3.1), layout='constrained')
        axes = canvas.add_subplot()
        axes.set(xlabel=x, ylabel=y)
        yield axes, files
        stream = io.StringIO()
        nothing = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
        canvas.savefig(stream, format='svg', transparent=True, metadata=nothing)
        files.append(_inline(stream.getvalue()))
        # the page has its own title and legend
        axes.set_title(title, loc='left')
        axes.legend(frameon=False, fontsize='small')
        picture = io.BytesIO()
        canvas.savefig(picture, format='png', dpi=PIXELS_PER_INCH)
        files.append(picture.getvalue())


def _inline(text: str) -> str:
    """Make an SVG file a part of a page: without its own head, size and style."""
    text = text[text.index('<svg') :]
    text = re.sub(r'<style.*?</style>', '', text, flags=re.DOTALL)
    head, _, body = text.partition('>')
    head = re.sub(r' (width|height)="[^"]*"', '', head)
    return _of_page(f'{head} aria-hidden="true">{body}')


def _shown(legend: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, _of_page(colour)) for name, colour in legend]


def _of_page(text: str) -> str:
    for colour, name in OF_PAGE.items():
        text = text.replace(colour, name)
    return text
