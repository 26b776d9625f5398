"""Pascal VOC xml: one file of boxes, and sometimes polygons, for each image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...annotations import Kind
from ...annotations.fault import Tally
from ..files import (
    IMAGES,
    Index,
    decoded,
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
from ..xml import VocFile, read_xml

NAME = 'Pascal VOC'
TASKS: tuple[Task, ...] = ('detection', 'instance')

Splits = dict[str, Split]


def _noted(what: str, then: str, noun: str = 'object') -> Kind:
    return Kind(what, 'noted', then, noun)


AMBIGUOUS = left_out('xml file that fits several images', 'file')
OTHER_NAME = _noted(
    'filename of another image than the xml file is named after',
    "taken for the image of the xml file's name",
    'file',
)
NO_SUFFIX = _noted('filename without the suffix of the image', 'image found', 'file')
NO_XML = left_out('name in ImageSets without an xml file', 'image')
TWO_SETS = _noted(
    'name in several lists of ImageSets',
    'used only for the last of train, val, test',
    'image',
)
FROM_ONE = Kind(
    'coordinates counted from 1, as in the VOC devkit, since none is 0 or a fraction',
    'noted',
    '1 is taken from left and top',
)
FROM_ZERO = Kind(
    'coordinates counted from 0, since some are 0 or fractions',
    'noted',
    'used as they are',
)


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise Pascal VOC xml files in a folder, or one of them."""
    root = data.absolute().parent if data.is_file() else data
    files = files_below(data)
    xml = _voc_files(files)
    if not xml:
        return None
    images = with_suffix(files_below(root), *IMAGES)
    folders = dict.fromkeys(place_of(path.parent, root) for path in xml)
    text = f'{len(xml)} xml files in {", ".join([*folders][:4])}, {len(images)} images'
    by_split: dict[Split | None, tuple[Path, ...]] = {}
    for path in xml:
        split = split_of(place_of(path.parent, root))
        by_split[split] = (*by_split.get(split, ()), path)
    return Found(text, by_split, share_of(xml, files), root, tuple(names))


def _voc_files(files: Iterable[Path]) -> list[Path]:
    """Return the xml files in the folders where some have VOC's first element."""
    xml = with_suffix(files, '.xml')
    folders = {path.parent for path in xml if _is_voc(path)}
    return [path for path in xml if path.parent in folders]


def _is_voc(path: Path) -> bool:
    try:
        with open(path, 'rb') as file:
            start = decoded(file.read(2000))
    except OSError:
        return False
    return '<annotation' in start and '<annotations' not in start


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Read all xml files, and the lists of ImageSets/Main if they are there."""
    there = files_below(found.root)
    splits = _image_sets(there, tally)
    unread = set(splits)
    files: list[tuple[VocFile, Split | None]] = []
    for split, paths in found.files.items():
        for path in paths:
            unread.discard(path.stem)
            file = read_xml(path, place_of(path, found.root), tally)
            if file is not None:
                files.append((file, splits.get(path.stem, split)))
    for name in sorted(unread):
        tally.add([NO_XML], name)
    shift = _shift([file for file, _ in files], tally)
    images = Index(found.root, with_suffix(there, *IMAGES))
    records = []
    annotated = set()
    for file, split in files:
        path_of_image = _image(file, images, found.root, tally)
        if path_of_image is None:
            continue
        annotated.add(path_of_image)
        if file.count and not file.objects:
            tally.add([NOTHING_LEFT], path_of_image.name)
        else:
            objects = tuple(_moved(each, shift) for each in file.objects)
            records.append(Record(path_of_image, split, file.size, objects))
    if sum(map(len, found.files.values())) == len(_voc_files(there)):
        # else the user gave a single file
        records += [
            Record(path, splits.get(path.stem, _split(path, found)), annotated=False)
            for path in strangers(images.files, annotated)
        ]
    labels = {each.label for file, _ in files for each in file.objects}
    return Contents(tuple(records), tuple(sorted(labels)))


def _split(path: Path, found: Found) -> Split | None:
    return split_of(place_of(path.parent, found.root))


def _image_sets(files: Sequence[Path], tally: Tally) -> Splits:
    """Return the split of each name in ImageSets' train.txt, val.txt and test.txt."""
    splits: Splits = {}
    order: tuple[Split, ...] = ('train', 'val', 'test')
    for split in order:
        for path in files:
            if path.name.lower() != f'{split}.txt' or 'ImageSets' not in path.parts:
                continue
            for line in read_text(path).splitlines():
                if line.strip():
                    name = line.split()[0]
                    if name in splits:
                        tally.add([TWO_SETS], name)
                    splits[name] = split
    return splits


def _shift(files: Iterable[VocFile], tally: Tally) -> float:
    """Return 1 if coordinates are counted from 1; evidence is in all files together."""
    corners = [x for file in files for each in file.objects for x in each.box]
    if not corners:
        return 0
    from_zero = any(0 <= x < 1 or x != int(x) for x in corners)
    tally.add([FROM_ZERO if from_zero else FROM_ONE])
    return 0 if from_zero else 1


def _moved(each: Object, shift: float) -> Object:
    """Count from 0; the last pixel of a box from 1 is within it, so that it stays."""
    left, top, right, bottom = each.box
    polygons = tuple(tuple(x - shift for x in polygon) for polygon in each.polygons)
    return replace(
        each, box=(left - shift, top - shift, right, bottom), polygons=polygons
    )


def _image(file: VocFile, images: Index, root: Path, tally: Tally) -> Path | None:
    """Return the image of an xml file, by the name of that file or by ``filename``.

    VOC names both alike; where they differ, ``filename`` is often a copy of another
    file's, or from before the images were renamed.
    """
    place = place_of(file.path, root)
    tops = (file.path.parent, file.path.parent.parent)
    near = [
        top / inner for top in tops for inner in ('', 'JPEGImages', 'images', 'Images')
    ]
    split = split_of(place_of(file.path.parent, root))
    paths = images.find_stem(file.path.stem, near, split)
    if len(paths) > 1 and file.filename:  # a.jpg and a.png
        paths = [p for p in paths if p.name == Path(file.filename).name] or paths
    if not paths and file.filename:
        paths = images.find(file.filename, near, split)
        for stem in (file.filename, Path(file.filename).stem):  # 'a.b' may be a stem
            paths = paths or images.find_stem(stem, near, split)
        if not paths:
            return file.path.parent / file.filename
    if len(paths) > 1:
        names = ' and '.join(place_of(path, root) for path in paths[:2])
        tally.add([AMBIGUOUS], f'{place}: {names}')
        return None
    if not paths:
        return file.path.with_suffix('.jpg')  # missing, and said to be so
    said = Path(file.filename.replace('\\', '/'))
    if said.name == paths[0].stem:
        tally.add([NO_SUFFIX], place)
    elif file.filename and said.stem != paths[0].stem:
        tally.add([OTHER_NAME], place)
    return paths[0]
