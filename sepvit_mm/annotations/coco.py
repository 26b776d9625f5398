"""Find what is wrong with a COCO file, for the config that uses it.

What follows from a fault is what mmdet's ``CocoDataset`` and ``CocoMetric``, and
pycocotools under them, do with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .categories import category_faults
from .fault import Fault, Kind, Tally
from .files import spread
from .images import scan_files, scan_images
from .names import listed
from .objects import Entry, Objects, Role, Size, has_id, scan_objects

LISTS = ('images', 'annotations', 'categories')


@dataclass(frozen=True)
class Demands:
    """What a part of a config expects of a COCO file.

    Attributes:
        classes: names of the classes, in the config's order.
        origin: where they come from. Defaults to 'metainfo.classes'.
        images: folder of the images. Defaults to None: not on this machine.
        role: 'train' on it, 'load' it for predictions only, or 'evaluate' predictions
            by it. Defaults to 'evaluate'.
        alone: whether nothing else is trained on. Defaults to True.
        masks: whether objects must have masks. Defaults to False.
        filter_empty: whether training leaves out images without objects, as
            ``filter_cfg.filter_empty_gt`` says. Defaults to False.
        min_size: the least width and height of images in training, as
            ``filter_cfg.min_size`` says. Defaults to 0.
    """

    classes: tuple[str, ...]
    origin: str = 'metainfo.classes'
    images: Path | None = None
    role: Role = 'evaluate'
    alone: bool = True
    masks: bool = False
    filter_empty: bool = False
    min_size: int = 0


def read_coco(path: str | Path, encoding: str = 'utf-8') -> dict[str, Any]:
    """Read a COCO file.

    Args:
        path: the file.
        encoding: of its text. Defaults to 'utf-8', without a byte order mark, as mmdet
            reads it.

    Returns:
        Its content, an object with the lists ``images``, ``categories`` and
        ``annotations`` (empty if it has none), all of objects.

    Raises:
        InputError: the file cannot be read, is not JSON, or has other content. The
            message leaves out the path.
    """
    try:
        with open(path, encoding=encoding) as file:
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
    tally.add(category_faults(categories, demands.classes, demands.origin))
    sizes = scan_images(images, demands.images, tally)
    names = {entry['id']: entry.get('name') for entry in categories if has_id(entry)}
    objects = scan_objects(
        annotations,
        sizes,
        names,
        {own for own, name in names.items() if name in demands.classes},
        tally,
        role=demands.role,
        masks=demands.masks,
    )
    loaded = _loaded(images, sizes, objects, demands)
    tally.add(_nothing_left(sizes, loaded, objects, len(annotations), demands))
    if demands.images is not None:
        sized = demands.role == 'evaluate' and demands.masks
        scan_files(loaded, demands.images, tally, strict=sized)
    totals = {'image': len(images), 'annotation': len(annotations)}
    return tally.faults({**totals, 'sampled image': len(spread(loaded))})


def _loaded(
    images: Sequence[Entry],
    sizes: Mapping[Any, Size | None],
    objects: Objects,
    demands: Demands,
) -> list[Entry]:
    """Return the images that mmdet loads: in training, those that its filter leaves."""

    def is_left(own: Any) -> bool:
        size = sizes.get(own)
        large = size is None or min(size) >= demands.min_size
        return large and (own in objects.images or not demands.filter_empty)

    return [
        image
        for image in images
        if demands.role != 'train' or (has_id(image) and is_left(image['id']))
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
    elif not objects.usable and demands.role != 'load' and demands.alone:
        purpose = 'train on' if demands.role == 'train' else 'evaluate'
        yield Kind(
            f'annotations: none of {annotations} can be used',
            'stops',
            f'there is nothing to {purpose} for {listed(demands.classes)}',
        )
