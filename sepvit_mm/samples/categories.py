"""COCO files as they are opened, with the names of their categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..annotations import Kind, read_coco
from ..annotations.fault import Tally
from ..errors import InputError
from .files import place_of
from .record import left_out
from .sample import Split


def _noted(what: str, noun: str) -> Kind:
    then = 'taken as one' if noun == 'category' else 'numbered anew'
    return Kind(what, 'noted', then, noun)


NO_CATEGORY_NAME = left_out('category without id or name', 'category')
SAME_NAME = _noted('category with the name of another', 'category')
SAME_CATEGORY = left_out('category with the id of another', 'category')
SUPER = left_out(
    'category that only groups the others and has no annotation', 'category'
)
FROM_ZERO = _noted('category ids from 0', 'file')
GAPS = _noted('category ids with gaps', 'file')


@dataclass
class CocoFile:
    """A COCO file.

    Attributes:
        path: the file.
        place: how messages name it.
        split: what it is for.
        content: of the file.
        names: of the categories by id, in the order of the ids.
        used: number of annotations by id of the category.
    """

    path: Path
    place: str
    split: Split | None
    content: dict[str, Any]
    names: dict[str, str] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)


def open_coco(
    path: Path, split: Split | None, root: Path, tally: Tally
) -> CocoFile | None:
    """Open a COCO file; None if it cannot be read, which is counted.

    Args:
        path: the file.
        split: what it is for.
        root: folder of the data set.
        tally: where to count what is wrong.
    """
    place = place_of(path, root)
    try:
        content = read_coco(path, 'utf-8-sig')
    except InputError as error:
        tally.add([left_out(f'json file {error}', 'file')], place)
        return None
    file = CocoFile(path, place, split, content)
    file.used.update(str(entry.get('category_id')) for entry in content['annotations'])
    _name_categories(file, tally)
    return file


def _name_categories(file: CocoFile, tally: Tally) -> None:
    entries: list[tuple[Any, str]] = []
    for entry in file.content['categories']:
        own, name = entry.get('id'), entry.get('name')
        place = f'{file.place}: {name or own!r}'
        if not isinstance(own, (int, str)) or not str(name or '').strip():
            tally.add([NO_CATEGORY_NAME], place)
        elif str(own) in (str(other) for other, _ in entries):
            tally.add([SAME_CATEGORY], place)
        else:
            if str(name).strip() in (other for _, other in entries):
                tally.add([SAME_NAME], place)
            entries.append((own, str(name).strip()))
    ids = [own for own, _ in entries]
    if all(isinstance(own, int) for own in ids):
        entries.sort()
        if 0 in ids:
            tally.add([FROM_ZERO], file.place)
        if ids and max(ids) - min(ids) >= len(ids):
            tally.add([GAPS], file.place)
    file.names.update((str(own), name) for own, name in entries)


def leave_out_groups(files: Sequence[CocoFile], tally: Tally) -> None:
    """Leave out a category that is only the supercategory of all others, as Roboflow's.

    It must be without annotations in all files.

    Args:
        files: from :func:`open_coco`; changed in place.
        tally: where to count it.
    """
    used = {file.names.get(own) for file in files for own in file.used}
    for file in files:
        above = {
            str(entry.get('name')).strip(): entry.get('supercategory')
            for entry in file.content['categories']
        }
        for own, name in list(file.names.items()):
            others = {above[other] for other in file.names.values() if other != name}
            if name not in used and others == {name}:
                tally.add([SUPER], f'{file.place}: {name}')
                del file.names[own]
