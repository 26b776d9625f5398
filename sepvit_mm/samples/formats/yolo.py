"""YOLO txt: for each image, a file with a line for each box or polygon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...annotations import Kind
from ...annotations.fault import Tally
from ..data_yaml import (
    LISTS,
    NO_NAMES,
    SAME_NAME,
    DataYaml,
    files_of,
    open_yaml,
    read_names,
    split_images,
)
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
from ..record import NOTHING_LEFT, Contents, Found, Record, left_out
from ..sample import Object, Split, Task
from ..yolo_lines import Line, read_line

NAME = 'YOLO'
TASKS: tuple[Task, ...] = ('detection', 'instance', 'semantic')

NO_IMAGE = left_out('label file without image', 'file')
AMBIGUOUS = left_out('label file that fits several images', 'file')
SECOND = left_out('second label file of an image', 'file')
UNREADABLE = left_out('label file unreadable', 'file')
STRANGE_CLASS = left_out('class number that no name has', 'line')
PIXELS = Kind(
    'values beyond 1 in all lines, where YOLO has fractions of the image',
    'noted',
    'taken as pixels',
)


@dataclass(frozen=True)
class _Layout:
    """The files of a data set.

    Attributes:
        labels: txt file of each image that has one.
        images: all images.
        names: of the classes by number.
        splits: of images, as data.yaml has them.
        keypoints: how many values of keypoints a line has.
    """

    labels: Mapping[Path, Path]
    images: Index
    names: Mapping[int, str]
    splits: Mapping[Path, Split | None]
    keypoints: int

    def split(self, image: Path) -> Split | None:
        """Return the split of an image: data.yaml's, else its folder's."""
        folder = place_of(image.parent, self.images.root)
        return self.splits[image] if image in self.splits else split_of(folder)


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise YOLO txt files beside or parallel to images, or a data.yaml."""
    if data.is_file() and data.suffix.lower() not in ('.yaml', '.yml'):
        return None
    root = data.absolute().parent if data.is_file() else data
    given = (data,) if data.is_file() else ()
    described = open_yaml(given or files_below(root), root, Tally())
    layout = _layout(root, described, Tally())
    texts = list(layout.labels.values())
    if not any(map(_is_label, texts)) and (described is None or not texts):
        return None
    kind = 'without data.yaml' if described is None else f'with {described.path.name}'
    text = f'{len(texts)} txt files of {len(layout.images.files)} images, {kind}'
    by_split: dict[Split | None, tuple[Path, ...]] = {None: given}
    for image, path in layout.labels.items():
        split = layout.split(image)
        by_split[split] = (*by_split.get(split, ()), path)
    files = files_below(root)
    more = [
        path for path in files if path.suffix.lower() in ('.yaml', '.yml', '.names')
    ]
    share = share_of([*texts, *more], [*files, *texts])
    return Found(text, by_split, share, root, tuple(names))


def _is_label(path: Path) -> bool:
    """Tell whether a txt file has a line of YOLO's, among others perhaps."""
    lines = read_text(path).splitlines()
    return any(read_line(line, '')[0] for line in lines)


def _layout(root: Path, described: DataYaml | None, tally: Tally) -> _Layout:
    files = files_below(root)
    found = [] if described is None else list(described.folders(root.resolve(), tally))
    if found:
        # as data.yaml has them: resolved, and perhaps elsewhere
        root = root.resolve()
        files = [*files_below(root), *files_of(found, root)]
    images = Index(root, with_suffix(files, *IMAGES))
    names = described.names(place_of(described.path, root), tally) if described else {}
    return _Layout(
        _labels(files, images, tally),
        images,
        names or read_names(files),
        split_images(found, images, tally),
        _keypoints(described),
    )


def _keypoints(described: DataYaml | None) -> int:
    shape: Any = described.content.get('kpt_shape') if described else None
    try:
        number, values = map(int, shape)
    except (TypeError, ValueError):
        return 0
    return number * values


def _labels(files: Iterable[Path], images: Index, tally: Tally) -> dict[Path, Path]:
    """Return the label file of each image that has one."""
    labels: dict[Path, Path] = {}
    alone = []
    for path in with_suffix(files, '.txt'):
        if path.name.lower() in (*LISTS, 'classes.txt'):
            continue
        folder = _images_folder(path.parent)
        name = place_of(folder / path.stem, images.root)
        # a stem may have dots: 'a.b.txt' is of 'a.b.jpg', not of 'a.jpg'
        found = images.find_stem(name, (folder, path.parent))
        place = place_of(path, images.root)
        if not found:
            alone.append(path)
        elif len(found) > 1:
            tally.add([AMBIGUOUS], place)
        elif found[0] in labels:
            tally.add([SECOND], place)
        else:
            labels[found[0]] = path
    folders = {path.parent for path in labels.values()}
    for path in alone:
        if path.parent in folders:  # others, such as README.txt, are no label files
            tally.add([NO_IMAGE], place_of(path, images.root))
    return labels


def _images_folder(folder: Path) -> Path:
    """Return the folder of images that YOLO has for a folder of labels."""
    parts = list(folder.parts)
    for index in reversed(range(len(parts))):
        if parts[index].lower() == 'labels':
            parts[index] = 'images'
            break
    return Path(*parts)


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Read all label files."""
    given = with_suffix(found.files.get(None, ()), '.yaml', '.yml')
    described = open_yaml(given or files_below(found.root), found.root, tally)
    layout = _layout(found.root, described, tally)
    lines = {
        image: _lines(path, layout, tally) for image, path in layout.labels.items()
    }
    names = dict(layout.names) or dict(enumerate(found.names))
    if not names:
        tally.add([NO_NAMES])
        last = max(
            (each.number for own in lines.values() for each in own or ()), default=-1
        )
        names = {number: f'class_{number}' for number in range(last + 1)}
    for name, count in Counter(names.values()).items():
        if count > 1:
            tally.add([SAME_NAME], name)
    beyond = [
        max(map(abs, each.box)) > 2 for own in lines.values() for each in own or ()
    ]
    pixels = bool(beyond) and all(beyond)
    if pixels:
        tally.add([PIXELS])
    records = []
    for image, own in lines.items():
        objects = tuple(_objects(own or (), names, tally))
        if objects or own == []:
            split = layout.split(image)
            records.append(Record(image, split, objects=objects, fractions=not pixels))
        else:
            tally.add([NOTHING_LEFT], image.name)
    without = dict.fromkeys([*strangers(layout.images.files, lines), *layout.splits])
    records += [
        Record(path, layout.split(path), annotated=False)
        for path in without
        if path not in lines
    ]
    return Contents(tuple(records), tuple(dict.fromkeys(names.values())))


def _lines(path: Path, layout: _Layout, tally: Tally) -> list[Line] | None:
    """Return the objects of a label file; None if it has some and none can be used."""
    place = place_of(path, layout.images.root)
    lines = []
    empty = True
    try:
        text = read_text(path)
    except OSError:
        tally.add([UNREADABLE], place)
        return None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        empty = False
        each, kinds = read_line(line, f'{place}:{number}', layout.keypoints)
        tally.add(kinds, f'{place}:{number}')
        if each is not None:
            lines.append(each)
    return lines if lines or empty else None


def _objects(
    lines: Iterable[Line], names: Mapping[int, str], tally: Tally
) -> Iterable[Object]:
    for each in lines:
        if each.number not in names:
            tally.add([STRANGE_CLASS], f'{each.place}: {each.number}')
            continue
        polygons = (each.polygon,) if each.polygon else ()
        yield Object(names[each.number], each.box, polygons)
