"""What can be wrong with boxes and outlines, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ..annotations.fault import Kind, Tally
from .raw import RawImage, RawObject
from .sample import Box, Object, Polygon


def _kind(what: str, outcome: Any, then: str) -> Kind:
    return Kind(what, outcome, then, 'object')


NOT_NUMBERS = _kind('box or outline is not made of finite numbers', 'left out', '')
SWAPPED = _kind('corners of the box are swapped', 'repaired', 'put in order')
FLAT = _kind('box without width or height', 'left out', '')
OUTSIDE = _kind('box outside the image', 'left out', '')
BEYOND = _kind('box reaches beyond the image', 'repaired', 'clipped to it')
FRACTIONS = _kind(
    'box given as fractions of the image where pixels are expected',
    'left out',
    'multiply by width and height',
)
PIXELS = _kind(
    'box given in pixels where fractions are expected',
    'left out',
    'divide by width and height',
)
SHORT = _kind(
    'polygon with fewer than three points', 'left out', 'its box is used, if it has one'
)
NO_OUTLINE = _kind('box without an outline', 'left out', 'the task needs masks')
AGAIN = _kind('object annotated twice', 'left out', 'the first is used')
TURNED = Kind(
    'annotated before the image was turned as its EXIF says',
    'repaired',
    'boxes and outlines are turned with it',
    'image',
)


def objects_of(
    raw: RawImage, size: tuple[int, int], tally: Tally, *, outlines: bool
) -> tuple[Object, ...]:
    """Check the objects of an image.

    Args:
        raw: the image.
        size: its width and height.
        tally: where to count.
        outlines: whether the task needs them.
    """
    found: dict[Any, Object] = {}
    for each in raw.objects:
        place = each.place or raw.path.name
        result = _object(each, raw.relative, size, tally, place, outlines)
        if result is None:
            continue
        key = (result.label, result.box, result.polygons, str(result.rle))
        if key in found:
            tally.add([AGAIN], place)
        found.setdefault(key, result)
    return tuple(found.values())


def _object(
    raw: RawObject,
    relative: bool,
    size: tuple[int, int],
    tally: Tally,
    place: str,
    outlines: bool,
) -> Object | None:
    polygons = [list(polygon) for polygon in raw.polygons]
    numbers = [n for part in (raw.box or [], *polygons) for n in part]
    if not all(map(_is_number, numbers)) or (raw.box and len(raw.box) != 4):
        tally.add([NOT_NUMBERS], place)
        return None
    box = list(map(float, raw.box)) if raw.box else None
    whole = [p for p in polygons if len(p) >= 6 and len(p) % 2 == 0]
    if len(whole) < len(polygons):
        tally.add([SHORT], place)
    if relative:
        if numbers and max(numbers) > 2:
            tally.add([PIXELS], place)
            return None
        whole = [_scaled(p, size) for p in whole]
        box = _scaled(box, size) if box else None
    if box is None and whole:
        xs, ys = [x for p in whole for x in p[::2]], [y for p in whole for y in p[1::2]]
        box = [min(xs), min(ys), max(xs), max(ys)]
    if box is None:
        return None  # a short polygon, counted above
    clipped = _clipped(box, relative, size, tally, place)
    if clipped is None:
        return None
    if outlines and not (whole or raw.rle):
        tally.add([NO_OUTLINE], place)
        return None
    inside: tuple[Polygon, ...] = tuple(
        tuple(float(min(max(v, 0), size[i % 2])) for i, v in enumerate(p))
        for p in whole
    )
    return Object(raw.label, clipped, inside, raw.rle, raw.crowd)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and isfinite(value)
    )


def _scaled(values: Sequence[float], size: tuple[int, int]) -> list[float]:
    return [value * size[index % 2] for index, value in enumerate(values)]


def _clipped(
    box: Sequence[float],
    relative: bool,
    size: tuple[int, int],
    tally: Tally,
    place: str,
) -> Box | None:
    left, top, right, bottom = box
    if left > right or top > bottom:
        tally.add([SWAPPED], place)
        left, right = sorted((left, right))
        top, bottom = sorted((top, bottom))
    if right == left or bottom == top:
        tally.add([FLAT], place)
        return None
    if not relative and 0 <= min(box) and max(box) <= 1 and min(size) > 2:
        tally.add([FRACTIONS], place)
        return None
    width, height = size
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        tally.add([OUTSIDE], place)
        return None
    if left < -1 or top < -1 or right > width + 1 or bottom > height + 1:
        tally.add([BEYOND], place)
    return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)


def turn(raw: RawImage, orientation: int, size: tuple[int, int]) -> None:
    """Turn boxes and outlines with their image.

    Args:
        raw: the image, annotated as it is stored.
        orientation: 5 to 8, as EXIF counts.
        size: width and height of the turned image.
    """
    height, width = size  # as stored
    change = {
        5: lambda x, y: (y, x),
        6: lambda x, y: (height - y, x),
        7: lambda x, y: (height - y, width - x),
        8: lambda x, y: (y, width - x),
    }[orientation]
    height, width = size[0], size[1]

    def moved(points: Sequence[float]) -> list[float]:
        pairs = zip(points[::2], points[1::2])
        return [value for x, y in pairs for value in change(x, y)]

    for each in raw.objects:
        each.polygons = [moved(polygon) for polygon in each.polygons]
        if each.box is not None:
            a, b, c, d = moved(each.box)
            each.box = [min(a, c), min(b, d), max(a, c), max(b, d)]
