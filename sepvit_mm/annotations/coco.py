"""Find what is wrong with a COCO file, for the config that uses it.

What follows from a fault is what mmdet's ``CocoDataset`` and ``CocoMetric``, and
pycocotools under them, do with it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .fault import Fault, Kind, Tally, listed
from .images import absent, size_of, spread
from .objects import Entry, Objects, Size, is_id, is_number, scan

LISTS = ('images', 'annotations', 'categories')


@dataclass(frozen=True)
class Demands:
    """What a part of a config expects of a COCO file.

    Attributes:
        classes: names of the classes, in the config's order.
        origin: where they come from. Defaults to 'metainfo.classes'.
        images: folder of the images. Defaults to None: not on this machine.
        trains: whether it is trained on, hence filtered. Defaults to False.
        needs_objects: whether there must be any object. Defaults to True.
        needs_masks: whether objects must have masks. Defaults to False.
        filter_empty: whether training leaves out images without objects, as
            ``filter_cfg.filter_empty_gt`` says. Defaults to False.
        min_size: the least width and height of images in training, as
            ``filter_cfg.min_size`` says. Defaults to 0.
    """

    classes: tuple[str, ...]
    origin: str = 'metainfo.classes'
    images: Path | None = None
    trains: bool = False
    needs_objects: bool = True
    needs_masks: bool = False
    filter_empty: bool = False
    min_size: int = 0


def read_coco(path: str | Path) -> dict[str, Any]:
    """Read a COCO file.

    Args:
        path: the file.

    Returns:
        Its content, an object with the lists ``images``, ``categories`` and
        ``annotations`` (empty if it has none), all of objects.

    Raises:
        InputError: the file cannot be read, is not JSON, or has other content. The
            message leaves out the path.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except OSError as error:
        raise InputError(f'cannot be read: {error.strerror}') from error
    except ValueError as error:  # of json, or of the encoding
        raise InputError(f'is not JSON: {error}') from error
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise InputError(f'is a {kind}, but a COCO file is an object')
    content.setdefault('annotations', [])  # as of a test without ground truth
    for key in LISTS:
        if not isinstance(content.get(key), list):
            raise InputError(f'has no list of {key}, as COCO files have')
        if not all(isinstance(entry, dict) for entry in content[key]):
            raise InputError(f'has an entry in {key} that is not an object')
    return content


def coco_faults(content: Mapping[str, Any], demands: Demands) -> list[Fault]:
    """Find the faults in the content of a COCO file, in one pass.

    Args:
        content: from :func:`read_coco`; left unchanged.
        demands: what the config expects of it.

    Returns:
        One fault for each kind, however often it occurs.
    """
    images, annotations, categories = (content[key] for key in LISTS)
    tally = Tally()
    tally.add(_category_faults(categories, demands))
    sizes = _scan_images(images, demands.images, tally)
    objects = scan(
        annotations,
        sizes,
        {entry.get('id') for entry in categories},
        {entry.get('id') for entry in categories if _name(entry) in demands.classes},
        tally,
        trains=demands.trains,
        needs_masks=demands.needs_masks,
    )
    loaded = _loaded(images, sizes, objects, demands)
    tally.add(_nothing_left(sizes, loaded, objects, len(annotations), demands))
    if demands.images is not None:
        _scan_files(loaded, demands.images, tally)
    totals = {'image': len(images), 'annotation': len(annotations)}
    return tally.faults({**totals, 'sampled image': len(spread(loaded))})


def _name(category: Entry) -> Any:
    return category.get('name')


def _category_faults(categories: Sequence[Entry], demands: Demands) -> Iterator[Kind]:
    """Find classes of the config that the file lacks, has twice, or in disorder."""
    names = [_name(entry) for entry in categories]
    ids = [entry.get('id') for entry in categories]
    if not all(map(is_id, ids)) or not all(isinstance(name, str) for name in names):
        yield Kind('categories without id or name', 'stops', 'each needs both')
        return
    used = [name for name in names if name in demands.classes]
    missing = [name for name in demands.classes if name not in names]
    if missing:
        yield _missing_names(missing, names, demands)
    for what, values in (('name', used), ('id', ids)):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            then = 'each class needs a category of its own'
            yield Kind(
                f'categories with the same {what} {listed(twice)}', 'stops', then
            )
            return
    if not missing and used != list(demands.classes):
        yield Kind(
            f'categories are {listed(used)}, but {demands.origin} is '
            f'{listed(demands.classes)}',
            'stops',
            "mmdet counts classes in the file's order and would call one by the name "
            'of another; use one order in the config and all files',
        )


def _missing_names(missing: list[str], names: list[str], demands: Demands) -> Kind:
    """Say which classes the file lacks, and which names were probably meant."""
    alike = {_plain(name): name for name in names}
    meant = [
        f'{name!r} is {alike[_plain(name)]!r} there'
        for name in missing[:5]
        if _plain(name) in alike
    ]
    then = '; '.join(meant) or f'it has {listed(names, 10) or "none"}'
    return Kind(
        f'categories without {listed(missing)} of {demands.origin}',
        'stops',
        f"{then}. Set metainfo.classes of the dataset to the file's names",
    )


def _plain(name: str) -> str:
    """Remove from a name what is easily overlooked: capitals, blanks, hyphens."""
    return ''.join(letter for letter in name.casefold() if letter.isalnum())


def _scan_images(
    images: Sequence[Entry], folder: Path | None, tally: Tally
) -> dict[Any, Size | None]:
    """Count the faults of the images; return their sizes, if known, by id."""
    known: dict[Any, Entry] = {}
    sizes: dict[Any, Size | None] = {}
    for index, image in enumerate(images):
        place = image.get('id', f'entry {index}')
        size = size_said(image)
        if size is None:
            size = size_read(image, folder)
            tally.add([NO_SIZE if size else UNKNOWN_SIZE], place)
        if not is_id(image.get('id')):
            tally.add([NO_ID], place)
        elif known.setdefault(image['id'], image) != image:
            tally.add([SAME_ID], place)
        else:
            sizes[image['id']] = size
        if not isinstance(image.get('file_name'), str):
            tally.add([NO_NAME], place)
    return sizes


NO_ID = Kind('id missing', 'stops', 'annotations refer to it', 'image')
SAME_ID = Kind('id used twice', 'stops', 'give each image its own', 'image')
NO_NAME = Kind('file_name missing', 'stops', 'add it', 'image')
NO_SIZE = Kind(
    'width or height missing', 'repaired', 'read from the image file', 'image'
)
UNKNOWN_SIZE = Kind(
    'width or height missing', 'stops', 'add them: the image cannot be read', 'image'
)


def size_said(image: Entry) -> Size | None:
    """Return width and height of an image as the file says; None if it does not."""
    width, height = image.get('width'), image.get('height')
    if is_number(width) and is_number(height) and width > 0 and height > 0:
        return width, height
    return None


def size_read(image: Entry, folder: Path | None) -> Size | None:
    """Return width and height from an image's file; None if it cannot be read."""
    name = image.get('file_name')
    return size_of(folder / name) if folder and isinstance(name, str) else None


def _scan_files(images: Sequence[Entry], folder: Path, tally: Tally) -> None:
    """Count the images without a file, and those of another size than it has."""
    names = [image.get('file_name') for image in images]
    none = Kind('file_name without a file', 'stops', f'it is not in {folder}', 'image')
    for path in absent(folder / name for name in names if isinstance(name, str)):
        tally.add([none], path.name)
    other = Kind(
        'another width or height than in the image file',
        'noted',
        'boxes and masks must be for the image as it is, turned as its EXIF says',
        'sampled image',
    )
    for image in spread(images):
        said, read = size_said(image), size_read(image, folder)
        if said and read and said != read:
            sizes = f'{said[0]}x{said[1]}, not {read[0]}x{read[1]}'
            tally.add([other], f'{image["file_name"]}: {sizes}')


def _loaded(
    images: Sequence[Entry],
    sizes: Mapping[Any, Size | None],
    objects: Objects,
    demands: Demands,
) -> list[Entry]:
    """Return the images that are loaded: in training, those that mmdet's filter leaves.

    An image of unknown size passes.
    """
    return [
        image
        for image in images
        if not demands.trains
        or (image.get('id') in objects.images or not demands.filter_empty)
        and min(sizes.get(image.get('id')) or [demands.min_size]) >= demands.min_size
    ]


def _nothing_left(
    sizes: Mapping[Any, Size | None],
    loaded: Sequence[Entry],
    objects: Objects,
    annotations: int,
    demands: Demands,
) -> Iterator[Kind]:
    """Find that nothing is left to train on or to evaluate."""
    if not sizes:
        yield Kind('images is empty', 'stops', 'there is nothing to load')
    elif not loaded:
        small = [
            size for size in sizes.values() if size and min(size) < demands.min_size
        ]
        reasons = (
            [f'{len(small)} are below min_size={demands.min_size}'] if small else []
        )
        if demands.filter_empty:
            empty = len(sizes) - len(objects.images)
            reasons.append(
                f'{empty} have no annotation for {listed(demands.classes)}, as '
                'filter_empty_gt demands'
            )
        yield Kind(
            f'images: filter_cfg leaves none of {len(sizes)}',
            'stops',
            ', and '.join(reasons),
        )
    elif demands.needs_objects and not objects.usable:
        purpose = 'train on' if demands.trains else 'evaluate'
        yield Kind(
            f'annotations: none of {annotations} can be used',
            'stops',
            f'there is nothing to {purpose} for {listed(demands.classes)}',
        )
