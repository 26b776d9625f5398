"""Draw how time grows with the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..atomic import written_whole
from ..drawing.colours import OKABE_ITO
from ..errors import InputError


def draw_growth(curves: Mapping[str, Sequence[tuple[int, float]]], path: Path) -> None:
    """Draw seconds over pixels, both on logarithmic axes.

    Args:
        curves: pixels and seconds, by name.
        path: the file; its suffix decides on the format.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError('--plot needs matplotlib: pip install matplotlib') from error
    canvas = Figure(figsize=(6.4, 4), layout='constrained')
    axes = canvas.add_subplot()
    for index, (name, points) in enumerate(curves.items()):
        colour = [value / 255 for value in OKABE_ITO[index % len(OKABE_ITO)]]
        axes.loglog(*zip(*points), 'o-', color=colour, label=name, markersize=4)
    axes.set(xlabel='pixels', ylabel='seconds')
    axes.grid(alpha=0.2, which='both')
    axes.legend(frameon=False)
    with written_whole(path) as partial:
        canvas.savefig(partial, format=path.suffix.lstrip('.') or 'svg')
