"""Images and masks: for each image a picture whose pixels are classes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...annotations import Kind
from ...annotations.fault import Tally
from ...errors import InputError
from ..files import files_below, share_of, split_of
from ..legend import find_legend, of_names
from ..meaning import Meaning, meaning_of
from ..pairs import Pairs, pair_up
from ..pixels import seen_in
from ..record import Contents, Found, Record, left_out
from ..sample import Split, Task

NAME = 'Images and masks'
TASKS = ('semantic',)

ALONE = left_out('mask without an image', 'mask')
SEVERAL = Kind('image with several masks', 'noted', 'the first is used', 'image')
INSTANCES = Kind(
    'mask of instances, not of classes',
    'noted',
    'not read: export the objects as COCO json for instance segmentation',
    'mask',
)


def find(data: Path, names: Iterable[str] = ()) -> Found | None:
    """Recognise masks in folders of their own, or with a suffix beside the images.

    Args:
        data: the folder.
        names: of the classes, by value. Defaults to none.
    """
    if not data.is_dir():
        return None
    files = files_below(data)
    pairs = pair_up(data, files)
    if not pairs.masks and not (pairs.instances and pairs.images):
        return None
    by_split: dict[Split | None, tuple[Path, ...]] = {}
    for image, masks in pairs.masks.items():
        split = split_of(image.parent.relative_to(data))
        by_split[split] = (*by_split.get(split, ()), masks[0])
    text = f'{len(pairs.images)} images, {len(pairs.masks)} with a mask'
    used = {mask for masks in pairs.masks.values() for mask in masks}
    return Found(text, by_split, share_of(used, files), data, tuple(names))


def read(found: Found, task: Task, tally: Tally) -> Contents:
    """Pair images and masks, and find out what the masks' pixels mean.

    Args:
        found: what :func:`find` returned.
        task: semantic segmentation; there is no other.
        tally: where faults are counted.

    Raises:
        InputError: the masks show instances, or have too many colours.
    """
    files = files_below(found.root)
    pairs = pair_up(found.root, files)
    _count(pairs, found.root, tally)
    legend = of_names(found.names) if found.names else find_legend(files)
    masks = [masks[0] for masks in pairs.masks.values()]
    meaning = meaning_of(seen_in(masks), legend, tally)
    records = tuple(
        _record(image, pairs, found.root, meaning) for image in pairs.images
    )
    totals = {'mask': len(masks) + len(pairs.alone) + len(pairs.instances)}
    return Contents(records, meaning.classes, meaning.values, meaning.colours, totals)


def _count(pairs: Pairs, root: Path, tally: Tally) -> None:
    for path in pairs.alone:
        tally.add([ALONE], path.relative_to(root).as_posix())
    for path in pairs.instances:
        tally.add([INSTANCES], path.relative_to(root).as_posix())
    for image, masks in pairs.masks.items():
        if len(masks) > 1:
            names = ', '.join(mask.relative_to(root).as_posix() for mask in masks)
            tally.add([SEVERAL], f'{image.name}: {names}')
    if not pairs.masks:
        raise InputError(
            f'{root}: the masks show instances, not classes, e.g. '
            f'{pairs.instances[0].relative_to(root)}; give masks of classes, or '
            'export the objects as COCO json for instance segmentation'
        )


def _record(image: Path, pairs: Pairs, root: Path, meaning: Meaning) -> Record:
    mask = pairs.masks.get(image, (None,))[0]
    split = split_of(image.parent.relative_to(root))
    usable = mask is not None and mask not in meaning.unusable
    return Record(image, split, mask=mask, annotated=usable)
