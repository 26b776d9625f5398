"""Compare boxes and polygons with their image; keep, mend or leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import isfinite

from ..annotations import Kind
from .record import left_out
from .sample import Box, Object, Polygon, Task

Size = tuple[int, int]
Point = tuple[float, float]

BEYOND = 1.0  # pixels beyond the border that are only rounding


def _noted(what: str, then: str) -> Kind:
    return Kind(what, 'noted', then, 'object')


NOT_FINITE = left_out('box with a value that is no number', 'object')
CORNERS = _noted('box whose right is left of its left', 'its corners are put in order')
OUTSIDE = left_out('box outside the image', 'object')
OVER = _noted('box reaches over the border of the image', 'cut at the border')
FLAT = left_out('box without width or height', 'object')
TWICE = left_out('the same box twice', 'object', 'the second is left out')
SHORT = Kind(
    'polygon with fewer than three points', 'noted', 'the polygon is left out', 'object'
)
NO_MASK = left_out('object without an outline', 'object', 'left out: it has only a box')
FRACTIONS = Kind(
    'boxes are fractions of the image, in a format of pixels',
    'noted',
    'taken as fractions',
)


def in_pixels(each: Object, size: Size) -> Object:
    """Turn an object's fractions of the image into pixels.

    Args:
        each: the object.
        size: width and height of the image.
    """
    width, height = size
    return _moved(each, lambda x, y: (x * width, y * height))


def turned(each: Object, orientation: int, stored: Size) -> Object:
    """Turn an object that was annotated before EXIF's orientation was applied.

    Args:
        each: the object, in pixels of the image as stored.
        orientation: EXIF's value, 2 to 8.
        stored: width and height of the image as stored.
    """
    width, height = stored
    to: dict[int, Callable[[float, float], Point]] = {
        2: lambda x, y: (width - x, y),
        3: lambda x, y: (width - x, height - y),
        4: lambda x, y: (x, height - y),
        5: lambda x, y: (y, x),
        6: lambda x, y: (height - y, x),
        7: lambda x, y: (height - y, width - x),
        8: lambda x, y: (y, width - x),
    }
    return _moved(each, to[orientation])


def _moved(each: Object, to: Callable[[float, float], Point]) -> Object:
    left, top, right, bottom = each.box
    corners = (to(left, top), to(right, bottom))
    (x0, x1), (y0, y1) = (sorted(values) for values in zip(*corners))
    polygons = tuple(
        tuple(value for point in _points(polygon) for value in to(*point))
        for polygon in each.polygons
    )
    return replace(each, box=(x0, y0, x1, y1), polygons=polygons)


def _points(polygon: Polygon) -> list[Point]:
    return list(zip(polygon[::2], polygon[1::2]))


def clean(
    objects: Sequence[Object], size: Size, task: Task
) -> tuple[tuple[Object, ...], list[Kind]]:
    """Keep the objects that can be used, within their image.

    Args:
        objects: all objects of an image, in pixels.
        size: width and height of the image.
        task: what they are for; instance segmentation needs outlines.

    Returns:
        The objects to use, and what is wrong, an entry for each time.
    """
    kept: list[Object] = []
    kinds: list[Kind] = []
    seen: set[tuple[object, ...]] = set()
    for each in objects:
        cleaned = _clean(each, size, kinds)
        if cleaned is None:
            continue
        same = (cleaned.label, cleaned.box, cleaned.polygons, str(cleaned.rle))
        if same in seen:
            kinds.append(TWICE)
        elif task == 'instance' and not (cleaned.polygons or cleaned.rle):
            kinds.append(NO_MASK)
        else:
            kept.append(cleaned)
        seen.add(same)
    return tuple(kept), kinds


def _clean(each: Object, size: Size, kinds: list[Kind]) -> Object | None:
    if not all(map(isfinite, each.box)):
        kinds.append(NOT_FINITE)
        return None
    left, top, right, bottom = each.box
    if right < left or bottom < top:
        kinds.append(CORNERS)
        left, right, top, bottom = *sorted((left, right)), *sorted((top, bottom))
    width, height = size
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        kinds.append(FLAT if left == right or top == bottom else OUTSIDE)
        return None
    if min(left, top, width - right, height - bottom) < -BEYOND:
        kinds.append(OVER)
    box: Box = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if box[2] - box[0] < 1 or box[3] - box[1] < 1:
        kinds.append(FLAT)
        return None
    polygons = tuple(_within(each.polygons, size, kinds))
    return replace(each, box=box, polygons=polygons)


def _within(
    polygons: Iterable[Polygon], size: Size, kinds: list[Kind]
) -> Iterable[Polygon]:
    """Yield the polygons that can be drawn, cut at the border of the image."""
    width, height = size
    for polygon in polygons:
        if not all(map(isfinite, polygon)) or len(set(_points(polygon))) < 3:
            kinds.append(SHORT)
            continue
        yield tuple(
            min(max(value, 0), height if i % 2 else width)
            for i, value in enumerate(polygon)
        )
