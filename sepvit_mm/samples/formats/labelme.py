"""LabelMe: a json file for each image, with shapes that people drew."""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ...annotations import Kind
from ...annotations.fault import Tally
from ...annotations.files import BROKEN, size_of, spread
from ...errors import InputError
from ..files import (
    IMAGES,
    Index,
    files_below,
    place_of,
    read_text,
    share_of,
    split_of,
    strangers,
    with_suffix,
)
from ..legend import BACKGROUND, IGNORED, find_legend, readable
from ..record import Contents, Found, Record, left_out
from ..sample import Box, Object, Split, Task

NAME = 'LabelMe'
TASKS = ('detection', 'instance', 'semantic', 'classification')

Point = tuple[float, float]
Size = tuple[int, int]

CORNERS = 36  # of the polygon that stands for a circle
PIECE = 1 << 16  # bytes at both ends of a file that tell what it is


def _noted(what: str, then: str, noun: str = 'shape') -> Kind:
    return Kind(what, 'noted', then, noun)


UNREADABLE = left_out('json file that cannot be read', 'json file')
NOT_JSON = left_out('json file that is broken', 'json file')
OTHER_JSON = left_out("json file that is not LabelMe's", 'json file', 'not used')
NO_SHAPES = left_out('json file whose shapes are no list', 'json file')
SEVERAL = left_out('json file that several images fit', 'json file')
OTHER_IMAGE = _noted(
    'json file whose imagePath does not exist',
    'the image with the name of the json file is taken',
    'json file',
)
INSIDE = left_out(
    'image only inside its json file, as imageData',
    'image',
    'left out: write it to a file, e.g. with labelme_export_json',
)
BAD_SHAPE = left_out('shape without valid points', 'shape')
NO_LABEL = left_out('shape without a label', 'shape')
BLANKS = _noted('label with blanks around it', 'the blanks are removed')
SHORT = left_out('polygon with fewer than three points', 'shape')
BAD_MASK = left_out('mask that is broken or does not fit its box', 'shape')
DONT_CARE = left_out(f'shape with the label {IGNORED}', 'shape')
GROUND = left_out(f'shape with the label {BACKGROUND}', 'shape', 'no object: left out')
RECTANGLE = _noted('rectangle', 'used as an outline with four corners')
CIRCLE = _noted('circle', f'used as a polygon with {CORNERS} corners')
NO_FLAG = left_out('json file without a flag that is set', 'json file')
FLAGS = left_out('json file with several flags that are set', 'json file')
NOT_LISTED = _noted(
    'class that the file of names does not have',
    'added after the classes of the file',
    'class',
)


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise json files with shapes.

    Args:
        data: the folder, or one json file.
        names: of the classes, in order. Defaults to none.
    """
    files = files_below(data)
    jsons = with_suffix(files, '.json')
    looked = spread(jsons)
    own = [path for path in looked if _is_labelme(path)]
    if not own:
        return None
    root = data if data.is_dir() else data.parent
    by_split: dict[Split | None, tuple[Path, ...]] = {}
    for path in jsons:
        split = split_of(place_of(path.parent, root))
        by_split[split] = (*by_split.get(split, ()), path)
    text = f'{len(jsons)} json file{"s" * (len(jsons) != 1)}'
    share = share_of(jsons, files) * len(own) / len(looked)
    return Found(text, by_split, share, root, tuple(names))


def _is_labelme(path: Path) -> bool:
    """Look at both ends of a file: an image between them may be large."""
    try:
        with open(path, 'rb') as file:
            content = file.read(PIECE)
            file.seek(max(0, path.stat().st_size - PIECE))
            content += file.read()
    except OSError:
        return False
    return b'"shapes"' in content and b'"image' in content


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Read all json files; count what cannot be read, and go on.

    Args:
        found: what :func:`find` returned.
        task: what the shapes are for. Detection takes the boxes around them, semantic
            segmentation draws them in their order; classification takes flags.
        tally: where faults are counted.

    Returns:
        A record for each json file, and for each image beside them without one.

    Raises:
        InputError: classification, and no file has a flag that is set.
    """
    files = files_below(found.root)
    images = with_suffix(files, *IMAGES)
    index = Index(found.root, images)
    records: list[Record] = []
    for split, paths in found.files.items():
        for path in paths:
            content = _load(path, tally)
            if content is not None:
                record = _record(path, content, split, index, tally)
                if record is not None:
                    records.append(_annotated(record, path, content, task, tally))
    if task == 'classification' and not any(record.label for record in records):
        raise InputError(
            f'{found.root}: no json file of LabelMe has a flag that is set, which '
            'classification needs'
        )
    rest = strangers(images, {record.image for record in records})
    records += [
        Record(path, split_of(place_of(path.parent, found.root)), annotated=False)
        for path in rest
    ]
    return Contents(tuple(records), _classes(records, found, files, tally))


def _load(path: Path, tally: Tally) -> Mapping[str, Any] | None:
    try:
        content = json.loads(read_text(path))
    except OSError:
        tally.add([UNREADABLE], path.name)
        return None
    except (ValueError, RecursionError):
        tally.add([NOT_JSON], path.name)
        return None
    if not isinstance(content, dict) or 'shapes' not in content:
        tally.add([OTHER_JSON], path.name)
        return None
    if not isinstance(content['shapes'], list):
        tally.add([NO_SHAPES], path.name)
        return None
    return content


def _record(
    path: Path,
    content: Mapping[str, Any],
    split: Split | None,
    index: Index,
    tally: Tally,
) -> Record | None:
    """Find the image of a json file, by the path in it or by its own name."""
    name = content.get('imagePath')
    name = name.replace('\\', '/') if isinstance(name, str) else ''
    near = [path.parent]
    images = index.find(name, near, split) if name else []
    if not images:
        images = index.find_stem(path.stem, near, split)
        if images and name:
            tally.add([OTHER_IMAGE], path.name)
    if len(images) > 1:
        tally.add([SEVERAL], path.name)
        return None
    image = images[0] if images else path.parent / (name or f'{path.stem}.jpg')
    if not images and content.get('imageData'):
        tally.add([INSIDE], path.name)
    width, height = content.get('imageWidth'), content.get('imageHeight')
    size = (
        (width, height) if isinstance(width, int) and isinstance(height, int) else None
    )
    if split is None:
        split = split_of(place_of(image.parent, index.root))
    return Record(image, split, size)


def _annotated(
    record: Record, path: Path, content: Mapping[str, Any], task: Task, tally: Tally
) -> Record:
    if task == 'classification':
        flags = content.get('flags')
        flags = flags if isinstance(flags, dict) else {}
        labels = [str(name).strip() for name, is_set in flags.items() if is_set is True]
        if len(labels) == 1 and labels[0] != IGNORED:
            return replace(record, label=labels[0])
        tally.add([FLAGS if len(labels) > 1 else NO_FLAG], path.name)
        return replace(record, annotated=False)
    objects: list[Object] = []
    groups: dict[tuple[str, Any], int] = {}
    for shape in content['shapes']:
        each = _object(shape, record, task, path, tally)
        if each is None:
            continue
        group = (each.label, str(shape.get('group_id')))
        # semantic segmentation draws shapes one by one: their order counts
        if shape.get('group_id') is None or task == 'semantic':
            objects.append(each)
        elif group in groups:
            whole = objects[groups[group]]
            objects[groups[group]] = _joined(whole, each, record)
        else:
            groups[group] = len(objects)
            objects.append(each)
    return replace(record, objects=tuple(objects))


def _object(
    shape: Any, record: Record, task: Task, path: Path, tally: Tally
) -> Object | None:
    """Return the object that a shape is; None if it is left out."""
    points = _points(shape)
    if points is None:
        tally.add([BAD_SHAPE], path.name)
        return None
    given = shape.get('label')
    label = '' if given is None else str(given).strip()
    kind = {'': NO_LABEL, IGNORED: DONT_CARE}.get(label)
    if label == BACKGROUND and task != 'semantic':
        kind = GROUND
    drawn = _outline(shape, points, record, task) if kind is None else kind
    if isinstance(drawn, Kind):
        tally.add([drawn], path.name)
        return None
    if label != str(given):
        tally.add([BLANKS], path.name)
    if task != 'detection' and shape.get('shape_type') == 'circle':
        tally.add([CIRCLE], path.name)
    if task == 'instance' and shape.get('shape_type') == 'rectangle':
        tally.add([RECTANGLE], path.name)
    return replace(drawn, label=readable(label))


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


def _joined(whole: Object, part: Object, record: Record) -> Object:
    """Add a part to an object; run lengths if one of them has them."""
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


def _classes(
    records: Iterable[Record], found: Found, files: Iterable[Path], tally: Tally
) -> tuple[str, ...]:
    """Return the classes, in the order of the names given or in a file of names."""
    used = {each.label for record in records for each in record.objects}
    used |= {record.label for record in records if record.label is not None}
    listed = found.names or find_legend(files).ordered
    known = [name for name in map(readable, listed) if name in used or _is_class(name)]
    rest = sorted(used - set(known))
    if known:
        for name in rest:
            tally.add([NOT_LISTED], name)
    return (*dict.fromkeys(known), *rest)


def _is_class(name: str) -> bool:
    return name not in ('background', IGNORED)
