"""COCO json: boxes, polygons and run lengths of many images in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from ...annotations import Kind
from ...annotations.fault import Tally
from ..categories import CocoFile, leave_out_groups, open_coco
from ..files import (
    IMAGES,
    Index,
    files_below,
    place_of,
    share_of,
    split_of,
    strangers,
    with_suffix,
)
from ..outlines import numbers, read_outline
from ..record import NOTHING_LEFT, Contents, Found, Record, left_out
from ..sample import Box, Object, Split, Task

NAME = 'COCO'
TASKS: tuple[Task, ...] = ('detection', 'instance', 'semantic')

# What COCO's own folder has beside instances_*.json
_OTHERS = ('captions', 'person_keypoints', 'stuff', 'panoptic', 'image_info')


def _noted(what: str, then: str, noun: str = 'object') -> Kind:
    return Kind(what, 'noted', then, noun)


NO_FILE_NAME = left_out('image without id or file_name', 'image')
SAME_IMAGE = left_out('image with the id of another', 'image')
AMBIGUOUS = left_out('image of which several files have the name', 'image')
JOINED = _noted('image listed more than once', 'its annotations are joined', 'image')
STRANGE_IMAGE = left_out('image_id missing or unknown', 'object')
STRANGE_CATEGORY = left_out('category_id missing or unknown', 'object')
NO_CROWD = _noted('iscrowd missing', 'taken as 0')
BAD_CROWD = _noted('iscrowd neither 0 nor 1', 'taken as 0')
IGNORED = left_out('object that the file says to ignore', 'object')
NO_BOX = left_out('bbox missing or not four numbers', 'object')
BOX_AROUND = _noted('bbox missing or not four numbers', 'drawn around the outline')
CORNERS = _noted(
    'bbox with the corners of the box in all annotations, since as left, top, width '
    'and height many reach beyond the image, and as corners none does',
    'taken as corners',
    'file',
)
PERHAPS_CORNERS = _noted(
    'bbox looks like two corners, since all have the second beyond the first',
    'taken as left, top, width and height, as COCO has it: look at the pictures',
    'file',
)


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise COCO files in a folder, or one file."""
    files = files_below(data)
    coco = _coco_files(files)
    if not coco:
        return None
    root = data
    if data.is_file():
        parent = data.absolute().parent
        root = parent.parent if parent.name == 'annotations' else parent
    by_split: dict[Split | None, tuple[Path, ...]] = {}
    for path in coco:
        split = split_of(place_of(path, root))
        by_split[split] = (*by_split.get(split, ()), path)
    text = f'{len(coco)} json file{"s" * (len(coco) > 1)} ' + ', '.join(
        f'{place_of(path, root)}{f" for {split}" if split else ""}'
        for split, paths in by_split.items()
        for path in paths[:3]
    )
    return Found(text, by_split, share_of(coco, files), root, tuple(names))


def _coco_files(files: Iterable[Path]) -> list[Path]:
    """Return the files with COCO's lists, even if they are broken."""
    coco = []
    for path in with_suffix(files, '.json'):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if b'"images"' in content and b'"categories"' in content:
            coco.append(path)
    if any(path.name.startswith('instances') for path in coco):
        coco = [path for path in coco if not path.name.startswith(_OTHERS)]
    return coco


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Read all COCO files; files for the same split are merged."""
    there = files_below(found.root)
    images = Index(found.root, with_suffix(there, *IMAGES))
    files = [
        file
        for split, paths in found.files.items()
        for path in paths
        if (file := open_coco(path, split, found.root, tally)) is not None
    ]
    leave_out_groups(files, tally)
    records: dict[tuple[Path, Split | None], Record] = {}
    listed: set[Path] = set()
    for file in files:
        for record in _records(file, images, listed, tally):
            key = record.image, record.split
            if key in records:
                tally.add([JOINED], record.image.name)
                joined = records[key].objects + record.objects
                record = replace(records[key], objects=joined)
            records[key] = record
    extra: list[Record] = []
    if sum(map(len, found.files.values())) == len(_coco_files(there)):
        # else other images may be in a file that the user did not give
        extra += (
            Record(path, split_of(place_of(path, found.root)), annotated=False)
            for path in strangers(images.files, listed)
        )
    classes = dict.fromkeys(name for file in files for name in file.names.values())
    return Contents((*records.values(), *extra), tuple(classes))


def _records(
    file: CocoFile, images: Index, listed: set[Path], tally: Tally
) -> Iterator[Record]:
    """Yield a record for each image of a file that can be used; list all images."""
    entries: dict[str, Mapping[str, Any]] = {}
    for index, entry in enumerate(file.content['images']):
        own, name = entry.get('id'), entry.get('file_name')
        place = f'{file.place}: {name or f"entry {index}"}'
        if not isinstance(own, (int, str)) or not isinstance(name, str) or not name:
            tally.add([NO_FILE_NAME], place)
        elif str(own) in entries:
            tally.add([SAME_IMAGE], place)
        else:
            entries[str(own)] = entry
    sizes = {own: _size(entry) for own, entry in entries.items()}
    objects: dict[str, list[Object]] = {own: [] for own in entries}
    met = set()
    as_corners = _as_corners(file, sizes, tally)
    for index, entry in enumerate(file.content['annotations']):
        place = f'{file.place}: id {entry.get("id", f"missing, entry {index}")}'
        image = str(entry.get('image_id'))
        category = str(entry.get('category_id'))
        met.add(image)
        if image not in entries:
            tally.add([STRANGE_IMAGE], place)
        elif category not in file.names:
            tally.add([STRANGE_CATEGORY], place)
        else:
            label, size = file.names[category], sizes[image]
            each, kinds = _object(entry, label, size, as_corners)
            tally.add(kinds, place)
            if each is not None:
                objects[image].append(each)
    for own, entry in entries.items():
        name = entry['file_name']
        paths = images.find(name, _near(file, images.root), file.split)
        if len(paths) > 1:
            place = ' and '.join(place_of(path, images.root) for path in paths[:2])
            tally.add([AMBIGUOUS], f'{name}: {place}')
            continue
        path = paths[0] if paths else file.path.parent / name
        listed.add(path)
        if own in met and not objects[own]:
            tally.add([NOTHING_LEFT], path.name)
        else:
            yield Record(path, file.split, sizes[own], tuple(objects[own]))


def _near(file: CocoFile, root: Path) -> list[Path]:
    """Return the folders in which a file's images are looked for first."""
    split = file.split or 'train'
    tops = dict.fromkeys((file.path.parent, file.path.parent.parent, root))
    inner = ('', f'images/{split}', f'{split}/images', split, f'{split}2017')
    more = (f'images/{split}2017', 'images')
    return [top / each for top in tops for each in (*inner, *more)]


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    size = numbers([entry.get('width'), entry.get('height')])
    if size is None or not all(isfinite(side) and side > 0 for side in size):
        return None
    return int(size[0]), int(size[1])


def _object(
    entry: Mapping[str, Any],
    label: str,
    size: tuple[int, int] | None,
    as_corners: bool,
) -> tuple[Object | None, list[Kind]]:
    """Return an annotation's object, None if it cannot be used, and what is wrong."""
    outline = read_outline(entry.get('segmentation'), size)
    kinds = list(outline.kinds)
    crowd = entry.get('iscrowd')
    if crowd is None:
        kinds.append(NO_CROWD)
    elif crowd not in (0, 1):
        kinds.append(BAD_CROWD)
    if entry.get('ignore'):
        return None, [IGNORED]
    box = _box(entry.get('bbox'), as_corners)
    if box is None:
        box = outline.box()
        kinds.append(NO_BOX if box is None else BOX_AROUND)
        if box is None:
            return None, kinds
    each = Object(label, box, outline.polygons, outline.rle, crowd == 1)
    return each, kinds


def _box(value: Any, as_corners: bool) -> Box | None:
    box = numbers(value)
    if box is None or len(box) != 4:
        return None
    left, top, width, height = box
    return box if as_corners else (left, top, left + width, top + height)


def _as_corners(
    file: CocoFile, sizes: Mapping[str, tuple[int, int] | None], tally: Tally
) -> bool:
    """Tell whether the boxes of a file are corners; note it, also if it is doubtful."""
    boxes = beyond = 0
    fit = True
    for entry in file.content['annotations']:
        box, size = numbers(entry.get('bbox')), sizes.get(str(entry.get('image_id')))
        if box is None or len(box) != 4 or size is None:
            continue
        if not (box[2] > box[0] and box[3] > box[1]):
            return False
        boxes += 1
        beyond += box[0] + box[2] > size[0] + 1 or box[1] + box[3] > size[1] + 1
        fit &= box[2] <= size[0] + 1 and box[3] <= size[1] + 1
    if not beyond:
        return False
    sure = fit and beyond * 4 >= boxes  # few may be mistakes of a few annotations
    tally.add([CORNERS if sure else PERHAPS_CORNERS], file.place)
    return sure
