"""Shapes that people drew in LabelMe, as objects."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from PIL import Image

from ..annotations import Kind
from ..annotations.files import BROKEN, size_of
from .legend import BACKGROUND, IGNORED, readable
from .record import Record, left_out
from .sample import Box, Object, Task

Point = tuple[float, float]

CORNERS = 36  # of the polygon that stands for a circle


def _noted(what: str, then: str) -> Kind:
    return Kind(what, 'noted', then, 'shape')


BAD_SHAPE = left_out('shape without valid points', 'shape')
NO_LABEL = left_out('shape without a label', 'shape')
BLANKS = _noted('label with blanks around it', 'the blanks are removed')
SHORT = left_out('polygon with fewer than three points', 'shape')
BAD_MASK = left_out('mask that is broken or does not fit its box', 'shape')
DONT_CARE = left_out(f'shape with the label {IGNORED}', 'shape')
GROUND = left_out(f'shape with the label {BACKGROUND}', 'shape', 'no object: left out')
RECTANGLE = _noted('rectangle', 'used as an outline with four corners')
CIRCLE = _noted('circle', f'used as a polygon with {CORNERS} corners')


def object_of(
    shape: Any, record: Record, task: Task
) -> tuple[Object | None, list[Kind]]:
    """Return the object that a shape is.

    Args:
        shape: an entry of ``shapes`` in a json file, right or wrong.
        record: the image, for its size.
        task: what the object is for.

    Returns:
        The object, None if it is left out; and what is wrong or unusual.
    """
    points = _points(shape)
    if points is None:
        return None, [BAD_SHAPE]
    given = shape.get('label')
    label = '' if given is None else str(given).strip()
    wrong = {'': NO_LABEL, IGNORED: DONT_CARE}.get(label)
    if label == BACKGROUND and task != 'semantic':
        wrong = GROUND
    drawn = _outline(shape, points, record, task) if wrong is None else wrong
    if isinstance(drawn, Kind):
        return None, [drawn]
    kinds = [BLANKS] if label != str(given) else []
    kind = shape.get('shape_type')
    if kind == 'circle' and task != 'detection':
        kinds.append(CIRCLE)
    if kind == 'rectangle' and task == 'instance':
        kinds.append(RECTANGLE)
    return replace(drawn, label=readable(label)), kinds


def _points(shape: Any) -> list[Point] | None:
    try:
        points = [(float(x), float(y)) for x, y in shape['points']]
    except (TypeError, ValueError, KeyError):
        return None
    finite = all(math.isfinite(value) for point in points for value in point)
    return points if points and finite else None


def _outline(
    shape: Mapping[str, Any], points: list[Point], record: Record, task: Task
) -> Object | Kind:
    """Return a shape as an object whose label is not yet known, or what is wrong."""
    kind = shape.get('shape_type') or 'polygon'  # old files have no types
    if kind in ('polygon', 'rotation'):
        return SHORT if len(points) < 3 else _of_polygon(points)
    if kind == 'rectangle':
        if len(points) < 2:
            return BAD_SHAPE
        left, top, right, bottom = box = _box(points)
        corners = (left, top, right, top, right, bottom, left, bottom)
        return Object('', box, (corners,) if task == 'instance' else ())
    if kind == 'circle':
        return BAD_SHAPE if len(points) != 2 else _of_circle(*points)
    if kind == 'mask':
        rle = _run_lengths(shape, points, record)
        # the corners of the box are its first and its last pixel
        left, top, right, bottom = _box(points)
        return (
            Object('', (left, top, right + 1, bottom + 1), rle=rle) if rle else BAD_MASK
        )
    return left_out(f'shape of type {kind}', 'shape', 'it has no area: left out')


def _box(points: Iterable[Point]) -> Box:
    columns, rows = zip(*points)
    return min(columns), min(rows), max(columns), max(rows)


def _of_polygon(points: list[Point]) -> Object:
    return Object('', _box(points), (tuple(v for point in points for v in point),))


def _of_circle(centre: Point, other: Point) -> Object:
    (x, y), radius = centre, math.dist(centre, other)
    angles = [2 * math.pi * i / CORNERS for i in range(CORNERS)]
    return _of_polygon(
        [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
    )


def _run_lengths(
    shape: Mapping[str, Any], points: list[Point], record: Record
) -> Mapping[str, object] | None:
    """Return a mask within its box as run lengths of the whole image."""
    import numpy as np
    from pycocotools import mask as coco  # only masks need it

    size = record.size or size_of(record.image)
    try:
        content = base64.b64decode(shape['mask'])
        with Image.open(io.BytesIO(content)) as image:
            part = np.asarray(image.convert('L')) > 0
    except (KeyError, TypeError, binascii.Error, *BROKEN):
        return None
    left, top, right, bottom = (round(value) for value in _box(points))
    height, width = part.shape
    if size is None or (width, height) != (right - left + 1, bottom - top + 1):
        return None
    if left < 0 or top < 0 or right >= size[0] or bottom >= size[1]:
        return None
    whole = np.zeros((size[1], size[0]), np.uint8, order='F')
    whole[top : bottom + 1, left : right + 1] = part
    return dict(coco.encode(whole))


def joined(whole: Object, part: Object, record: Record) -> Object:
    """Add a part to an object, as labelme's groups have them.

    Args:
        whole: the object.
        part: what belongs to it.
        record: the image, for its size.

    Returns:
        The object with all polygons, or with run lengths if one of both has them.
    """
    corners = [whole.box[:2], whole.box[2:], part.box[:2], part.box[2:]]
    box = _box([(x, y) for x, y in corners])
    if whole.rle is None and part.rle is None:
        return replace(whole, box=box, polygons=(*whole.polygons, *part.polygons))
    from pycocotools import mask as coco

    width, height = record.size or size_of(record.image) or (0, 0)
    rles: list[Any] = [each.rle for each in (whole, part) if each.rle is not None]
    polygons = [list(polygon) for each in (whole, part) for polygon in each.polygons]
    if polygons:
        rles += coco.frPyObjects(polygons, height, width)
    return replace(whole, box=box, polygons=(), rle=dict(coco.merge(rles)))
