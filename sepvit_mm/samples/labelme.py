"""LabelMe json: one file for each image, beside it or in a folder of its own."""

from __future__ import annotations

from math import cos, hypot, pi, sin
from pathlib import Path, PureWindowsPath
from typing import Any

from ..annotations.fault import Kind, Tally
from .raw import Raw, RawImage, RawObject, split_of

BAD_SHAPE = Kind('shape without label or points', 'left out', '', 'object')
OTHER = Kind('shape that is no rectangle, polygon or circle', 'left out', '', 'object')

IGNORED = Kind(
    'shape labelled __ignore__ or _background_', 'left out', 'it is no class', 'object'
)


def is_labelme(content: Any) -> bool:
    """Tell whether JSON is a file of LabelMe's."""
    return isinstance(content, dict) and {'shapes', 'imagePath'} <= {*content}


def read_labelme(contents: dict[Path, Any], root: Path, tally: Tally) -> Raw:
    """Read LabelMe's files. Shapes of one label and group are one object.

    Args:
        contents: their JSON, by path.
        root: the user's folder.
        tally: where to count faults.
    """
    images = []
    for path, content in contents.items():
        name = str(content['imagePath']).replace('\\', '/')
        plain = PureWindowsPath(name).name
        places = (path.parent / name, path.parent / plain, root / 'images' / plain)
        found = next((p for p in places if p.is_file()), path.parent / plain)
        said = content.get('imageWidth'), content.get('imageHeight')
        objects = _objects(content.get('shapes') or [], path.name, tally)
        images.append(
            RawImage(found, objects, said if all(said) else None, split_of(path, root))
        )
    return Raw(f'LabelMe: {len(contents)} json files', [], images, tally)


def _objects(shapes: list[Any], place: str, tally: Tally) -> list[RawObject]:
    found: list[RawObject] = []
    groups: dict[tuple[str, Any], RawObject] = {}
    for shape in shapes:
        try:
            label, group = str(shape['label']), shape.get('group_id')
            points = [(float(x), float(y)) for x, y in shape['points']]
            kind = shape.get('shape_type') or 'polygon'
            own = _object(label, kind, points, place)
        except (KeyError, TypeError, ValueError, IndexError):
            tally.add([BAD_SHAPE], place)
            continue
        if label in ('__ignore__', '_background_'):
            tally.add([IGNORED], place)
        elif own is None:
            tally.add([OTHER], f'{place}: {kind}')
        elif group is not None and (label, group) in groups and own.polygons:
            first = groups[label, group]
            first.polygons, first.box = [*first.polygons, *own.polygons], None
        else:
            groups[label, group] = own
            found.append(own)
    return found


def _object(
    label: str, kind: str, points: list[tuple[float, float]], place: str
) -> RawObject | None:
    if kind == 'rectangle':
        (a, b), (c, d) = points[0], points[2 if len(points) == 4 else 1]
        box = [min(a, c), min(b, d), max(a, c), max(b, d)]  # drawn from any corner
        return RawObject(label, box, [[a, b, c, b, c, d, a, d]], place=place)
    if kind == 'circle':
        (x, y), (u, v) = points[:2]
        radius = hypot(u - x, v - y)
        angles = [2 * pi * i / 32 for i in range(32)]
        ring = [n for t in angles for n in (x + radius * cos(t), y + radius * sin(t))]
        return RawObject(label, None, [ring], place=place)
    if kind == 'polygon':
        return RawObject(label, None, [[n for p in points for n in p]], place=place)
    return None
