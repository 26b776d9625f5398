"""YOLO txt: boxes and polygons as fractions of the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..annotations.fault import Kind, Tally
from ..errors import InputError
from .raw import Raw, RawImage, RawObject, is_image, split_of, text_of

BAD_LINE = Kind(
    'line that is neither a box nor a polygon',
    'left out',
    'write: class x y width height, or class x y x y x y ...',
    'object',
)
NO_CLASS = Kind('class number that has no name', 'left out', 'add it', 'object')
UNNAMED = Kind('classes have no names', 'noted', 'called class_0 and so on')
ELSEWHERE = Kind(
    'path in data.yaml is of another machine', 'noted', 'the folder given is used'
)
STRAY = Kind('annotation of an image that does not exist', 'left out', '', 'file')


def is_line(line: str) -> bool:
    """Tell whether a line can be YOLO's."""
    words = line.split()
    try:
        return len(words) >= 5 and all(isinstance(float(w), float) for w in words)
    except ValueError:
        return False


def read_yolo(labels: Sequence[Path], files: Sequence[Path], root: Path) -> Raw:
    """Read YOLO's files; images without one show nothing.

    Args:
        labels: the txt files.
        files: all files of the user's.
        root: the user's folder.
    """
    tally = Tally()
    names = _names(files, root, tally)
    known: dict[Path, Path] = {_key(p, root): p for p in labels}
    images = []
    for path in filter(is_image, files):
        label = known.pop(_key(path, root), None)
        own = RawImage(path, split=split_of(path, root), relative=True)
        own.annotated = label is not None
        if label is not None:
            for line in text_of(label, tally).splitlines():
                if line.strip():
                    _add(own, line, names, label.name, tally)
        images.append(own)
    for stray in known.values():
        tally.add([STRAY], stray.name)
    count = max((int(o.label[6:]) for i in images for o in i.objects), default=-1)
    if names is None:
        tally.add([UNNAMED])
        names = {i: f'class_{i}' for i in range(count + 1)}
    for image in images:
        for each in image.objects:
            each.label = names[int(each.label[6:])]
    return Raw(
        f'YOLO: {len(labels)} txt files',
        [names[i] for i in sorted(names)],
        images,
        tally,
        files=len(labels),
        declared=True,
    )


def _key(path: Path, root: Path) -> Path:
    """Return what an image and its txt file have in common."""
    parts = path.relative_to(root).with_suffix('').parts
    return Path(*[p for p in parts if p not in ('images', 'labels')] or parts[-1:])


def _add(
    own: RawImage,
    line: str,
    names: dict[int, str] | None,
    place: str,
    tally: Tally,
) -> None:
    try:
        first, *rest = map(float, line.split())
        number = int(first)
        if len(rest) < 4 or number != first or number < 0:
            raise ValueError
    except (ValueError, OverflowError):
        tally.add([BAD_LINE], place)
        return
    if names is not None and number not in names:
        tally.add([NO_CLASS], f'{place}: {number}')
        return
    label = f'class_{number}'
    if len(rest) <= 5:
        x, y, width, height = rest[:4]
        box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        own.objects.append(RawObject(label, box, place=place))
    else:
        even = rest[: len(rest) // 2 * 2]
        own.objects.append(RawObject(label, None, [even], place=place))


def _names(files: Sequence[Path], root: Path, tally: Tally) -> dict[int, str] | None:
    for path in files:
        if path.suffix in ('.yaml', '.yml'):
            try:
                content: Any = yaml.safe_load(text_of(path, tally))
            except yaml.YAMLError as error:
                raise InputError(f'{path} is not YAML: {error}') from error
            names = content.get('names') if isinstance(content, dict) else None
            if names is None:
                continue
            if content.get('path') and not Path(content['path']).exists():
                tally.add([ELSEWHERE])
            if isinstance(names, dict):
                return {int(key): str(value) for key, value in names.items()}
            return dict(enumerate(map(str, names)))
    for path in files:
        if path.name in ('classes.txt', 'obj.names', 'labels.txt'):
            lines = text_of(path, tally).splitlines()
            return dict(enumerate(line.strip() for line in lines if line.strip()))
    return None
