"""Read the lines of a YOLO txt, each a box or a polygon."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from ..annotations import Kind
from .record import left_out
from .sample import Box, Polygon

NOT_NUMBERS = left_out('line with a value that is no number', 'line')
BAD_CLASS = left_out('line whose class is no whole number', 'line')
WRONG_COUNT = left_out(
    'line with neither four values after the class (box) nor pairs of at least three '
    'points (polygon)',
    'line',
)
CONFIDENCE = Kind(
    'line with a value after the box, such as a confidence', 'noted', 'ignored', 'line'
)
KEYPOINTS = Kind('line with keypoints', 'noted', 'only the box is used', 'line')


class Line(NamedTuple):
    """An object.

    Attributes:
        number: of its class.
        box: left, top, right, bottom.
        polygon: its outline as x, y, x, y, ...; empty if there is none.
        place: how messages name the line.
    """

    number: int
    box: Box
    polygon: Polygon
    place: str


def read_line(
    text: str, place: str, keypoints: int = 0
) -> tuple[Line | None, list[Kind]]:
    """Read a line.

    Args:
        text: the line.
        place: how messages name it.
        keypoints: how many values of keypoints follow a box, as ``kpt_shape`` of
            data.yaml says. Defaults to 0.

    Returns:
        Its object, None if it cannot be used, and what is wrong.
    """
    try:
        own, *values = map(float, text.split())
    except ValueError:
        return None, [NOT_NUMBERS]
    if not all(map(isfinite, values)):
        return None, [NOT_NUMBERS]
    if own != own // 1 or own < 0:
        return None, [BAD_CLASS]
    kinds = []
    if keypoints and len(values) == 4 + keypoints:
        values = values[:4]
        kinds.append(KEYPOINTS)
    elif len(values) == 5:
        values = values[:4]
        kinds.append(CONFIDENCE)
    if len(values) == 4:
        x, y, width, height = values
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return Line(int(own), box, (), place), kinds
    if len(values) < 6 or len(values) % 2:
        return None, [WRONG_COUNT]
    xs, ys = values[::2], values[1::2]
    box = min(xs), min(ys), max(xs), max(ys)
    return Line(int(own), box, tuple(values), place), kinds
