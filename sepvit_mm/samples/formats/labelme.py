"""LabelMe: a json file for each image, with shapes that people drew."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...annotations import Kind
from ...annotations.fault import Tally
from ...annotations.files import spread
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
from ..legend import IGNORED, find_legend, readable
from ..record import Contents, Found, Record, left_out
from ..sample import Object, Split, Task
from ..shapes import joined, object_of

NAME = 'LabelMe'
TASKS = ('detection', 'instance', 'semantic', 'classification')

PIECE = 1 << 16  # bytes at both ends of a file that tell what it is


def _noted(what: str, then: str, noun: str) -> Kind:
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
    totals: Counter[str] = Counter()
    for split, paths in found.files.items():
        totals['json file'] += len(paths)
        for path in paths:
            content = _load(path, tally)
            if content is not None:
                totals['shape'] += len(content['shapes'])
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
    classes = _classes(records, found, files, tally)
    totals['class'] = len(classes)
    return Contents(tuple(records), classes, totals=totals)


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
        if len(images) == 1 and name:
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
        each, kinds = object_of(shape, record, task)
        tally.add(kinds, path.name)
        if each is None:
            continue
        group = (each.label, str(shape.get('group_id')))
        # semantic segmentation draws shapes one by one: their order counts
        if shape.get('group_id') is None or task == 'semantic':
            objects.append(each)
        elif group in groups:
            whole = objects[groups[group]]
            objects[groups[group]] = joined(whole, each, record)
        else:
            groups[group] = len(objects)
            objects.append(each)
    return replace(record, objects=tuple(objects))


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
