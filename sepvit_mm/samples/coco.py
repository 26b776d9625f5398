"""COCO json: one file, one for each split, Roboflow's folders, CVAT's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..annotations.fault import Kind, Tally
from ..errors import InputError
from .raw import (
    BROKEN,
    SPLITS,
    Raw,
    RawImage,
    RawObject,
    is_image,
    split_of,
    text_of,
)
from .sample import Split

NO_CATEGORY = Kind('category_id unknown', 'left out', 'no category has it', 'object')
NO_IMAGE = Kind('image_id unknown', 'left out', 'no image has it', 'object')
ZERO = Kind('category ids start at 0', 'noted', 'written from 1')
GAPS = Kind('category ids have gaps', 'noted', 'written without')
BAD = Kind('entry that is not as in COCO', 'left out', '', 'entry')


def is_coco(content: Any) -> bool:
    """Tell whether JSON is a COCO file."""
    return isinstance(content, dict) and {'images', 'categories'} <= {*content}


def read_coco(
    contents: dict[Path, Any], files: Sequence[Path], root: Path, tally: Tally
) -> Raw:
    """Read COCO files.

    Args:
        contents: their JSON, by path.
        files: all files of the user's, to find images among.
        root: the user's folder.
        tally: where to count faults.
    """
    by_name: dict[str, list[Path]] = {}
    for path in filter(is_image, files):
        by_name.setdefault(path.name, []).append(path)
    classes: dict[str, None] = {}
    images: list[RawImage] = []
    for path, content in contents.items():
        split = split_of(path, root) or _split_in_name(path.stem)
        categories = [c for c in content['categories'] if _has(c, 'id', 'name')]
        names = {c['id']: str(c['name']) for c in categories}
        ids = sorted(i for i in names if isinstance(i, int))
        if ids and ids[0] == 0:
            tally.add([ZERO])
        if ids and ids[-1] - ids[0] >= len(ids):
            tally.add([GAPS])
        used = {a.get('category_id') for a in _entries(content)}
        roboflow = ids[:1] == [0] and 0 not in used and len(ids) > 1
        classes.update((names[i], None) for i in names if not (roboflow and i == 0))
        own: dict[Any, RawImage] = {}
        for entry in content['images']:
            if not _has(entry, 'id', 'file_name'):
                tally.add([BAD], f'image in {path.name}')
                continue
            image = _find(str(entry['file_name']), path, root, by_name)
            said = (entry.get('width'), entry.get('height'))
            own[entry['id']] = RawImage(
                image, said=said if all(said) else None, split=split
            )
        for entry in _entries(content):
            image_id, category = entry.get('image_id'), entry.get('category_id')
            place = f'id {entry.get("id")}'
            if image_id not in own:
                tally.add([NO_IMAGE], place)
            elif category not in names:
                tally.add([NO_CATEGORY], place)
            else:
                own[image_id].objects.append(_object(entry, names[category], place))
        images += own.values()
    count = f'{len(contents)} json file{"s" * (len(contents) > 1)}'
    return Raw(
        f'COCO: {count}', [*classes], images, tally, files=len(contents), declared=True
    )


def _object(entry: dict[str, Any], label: str, place: str) -> RawObject:
    box, outline = entry.get('bbox'), entry.get('segmentation')
    if isinstance(box, list) and len(box) == 4:
        try:
            box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
        except TypeError:
            box = [float('nan')] * 4
    polygons: list = []
    if isinstance(outline, list) and outline:
        polygons = outline if isinstance(outline[0], list) else [outline]
    rle = outline if isinstance(outline, dict) and 'counts' in outline else None
    return RawObject(label, box, polygons, rle, bool(entry.get('iscrowd')), place)


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for a in content.get('annotations', []) if isinstance(a, dict)]


def _has(entry: Any, *keys: str) -> bool:
    return isinstance(entry, dict) and all(key in entry for key in keys)


def _split_in_name(stem: str) -> Split | None:
    words = stem.lower().replace('-', '_').split('_')
    for word in words:
        known = SPLITS.get(word.rstrip('0123456789'))
        if known:
            return known
    return None


def _find(name: str, path: Path, root: Path, by_name: dict[str, list[Path]]) -> Path:
    """Find an image as people store it: beside the file, in images/, by its name."""
    name = name.replace('\\', '/')
    for folder in (path.parent, root, root / 'images', path.parent.parent / 'images'):
        if (folder / name).is_file():
            return folder / name
    same = by_name.get(Path(name).name, [])
    near = [p for p in same if path.stem.split('.')[0] in p.parts or len(same) == 1]
    return near[0] if len(near) == 1 else root / name


def load_json(path: Path, tally: Tally) -> Any:
    """Read JSON; count it and return None if it is broken."""
    try:
        return json.loads(text_of(path, tally))
    except (ValueError, InputError):
        tally.add([BROKEN], path.name)
        return None
