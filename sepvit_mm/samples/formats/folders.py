"""Class folders: images in a folder for each class."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...annotations import Kind
from ...annotations.fault import Tally
from ...annotations.names import listed
from ...errors import InputError
from ..files import IMAGES, files_below, split_of, with_suffix
from ..pairs import pair_up
from ..record import Contents, Found, Record, left_out
from ..sample import Split, Task

NAME = 'Class folders'
TASKS = ('classification',)

PLAIN = frozenset(
    ('images', 'image', 'imgs', 'img', 'jpegimages', 'photos', 'pictures', 'data')
)
"""Folders that are named for what is in them, not for a class."""

PIECE = 1 << 16  # bytes of a json file that tell whether it has annotations

BESIDE = left_out('image beside the class folders', 'image')
EMPTY = left_out('class folder without images', 'class folder', 'no class')


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise a folder for each class, within folders for splits or not.

    Args:
        data: the folder.
        names: of the classes; not used, folders have names. Defaults to none.
    """
    if not data.is_dir():
        return None
    files = files_below(data)
    images = with_suffix(files, *IMAGES)
    if not images or _has_annotations(data, files):
        return None
    layout = _Layout(data, images)
    if not layout.labels or {name.lower() for name in layout.labels} <= PLAIN:
        return None
    number = len(layout.labels)
    text = f'{len(images)} images in {number} folder{"s" * (number != 1)}'
    folders = {split: (folder,) for split, folder in layout.folders.items()}
    return Found(text, folders, len(images) / len(files), data)


def _has_annotations(data: Path, files: list[Path]) -> bool:
    """Tell whether images are annotated in another way than by their folders."""
    stems = {path.stem for path in with_suffix(files, *IMAGES)}
    for path in files:
        suffix = path.suffix.lower()
        if suffix == '.xml' or path.name in ('data.yaml', 'data.yml'):
            return True
        if suffix == '.txt' and path.stem in stems:
            return True
        if suffix == '.json':
            with open(path, 'rb') as file:
                content = file.read(PIECE)
                file.seek(max(0, path.stat().st_size - PIECE))
                content += file.read()
            if b'"annotations"' in content or b'"shapes"' in content:
                return True
    return bool(pair_up(data, files).masks)


class _Layout:
    """Which folders are splits and which are classes.

    Args:
        root: the data set.
        images: all images below it.
    """

    def __init__(self, root: Path, images: Iterable[Path]) -> None:
        parts = {path: path.relative_to(root).parts[:-1] for path in images}
        inner = root
        while len(first := {own[:1] for own in parts.values()} - {()}) == 1:
            deeper = any(len(own) > 1 for own in parts.values())
            if not deeper:
                break
            inner /= first.copy().pop()[0]
            parts = {path: own[1:] for path, own in parts.items()}
        tops = {own[0] for own in parts.values() if own}
        splits = {top: split_of(top) for top in tops}
        self.folders: dict[Split | None, Path] = {None: inner}
        self.images: dict[Path, tuple[Split | None, str | None]] = {}
        self.bases = [inner]
        if tops and all(splits.values()):
            self.folders = {splits[top]: inner / top for top in sorted(tops)}
            self.bases = [inner / top for top in sorted(tops)]
        for path, own in parts.items():
            split = None
            if own and all(splits.values()):
                split, own = splits[own[0]], own[1:]
            self.images[path] = split, own[0] if own else None
        self.labels = sorted(
            {label for _, label in self.images.values() if label is not None}
        )


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Take the name of its folder as the class of each image.

    Args:
        found: what :func:`find` returned.
        task: classification; there is no other.
        tally: where faults are counted.

    Raises:
        InputError: there is only one class.
    """
    layout = _Layout(found.root, with_suffix(files_below(found.root), *IMAGES))
    classes = tuple(layout.labels)
    if len(classes) < 2:
        raise InputError(
            f'{found.root}: all images are in one class folder, {listed(classes)}: '
            'classification needs a folder for each of at least two classes'
        )
    records = []
    for path, (split, label) in layout.images.items():
        if label is None:
            tally.add([BESIDE], path.relative_to(found.root).as_posix())
        else:
            records.append(Record(path, split, label=label))
    empty = _count_classes(layout, tally)
    totals = {'class': len(classes), 'class folder': len(classes) + empty}
    return Contents(tuple(records), classes, totals=totals)


def _count_classes(layout: _Layout, tally: Tally) -> int:
    """Count classes that splits lack; return the number of empty folders."""
    empty = 0
    for base in layout.bases:
        for folder in sorted(base.iterdir()):
            used = any(folder in path.parents for path in layout.images)
            if folder.is_dir() and folder.name[0] != '.' and not used:
                empty += 1
                tally.add([EMPTY], folder.relative_to(base.parent).as_posix())
    splits = {split for split, _ in layout.images.values() if split}
    for split in sorted(splits) if len(splits) > 1 else ():
        own = {label for part, label in layout.images.values() if part == split}
        for label in layout.labels:
            if label not in own:
                kind = Kind(f'class without images for {split}', 'noted', '', 'class')
                tally.add([kind], label)
    return empty
