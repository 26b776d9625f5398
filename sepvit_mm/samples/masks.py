"""Pairs of an image and a label map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..annotations.fault import Kind, Tally
from ..annotations.files import BROKEN, size_of
from ..errors import InputError
from .raw import Raw, RawImage, is_image, split_of, text_of
from .write import IGNORED, codes_of

ENDS = ('_mask', '_label', '_seg', '-mask', '_labelIds', '_L', '_gt')
FOLDERS = {
    *('masks', 'mask', 'labels', 'label', 'annotations', 'segmentationclass'),
    *('ann_dir', 'gt', 'segmentation', 'seg', 'labelmaps'),
}
COLOURS = 64  # more are no classes but a photograph

NO_MASK = Kind('image without a label map', 'left out', '', 'image')
SURPLUS = Kind('label map without an image', 'left out', '', 'file')
BAD_MASK = Kind('label map cannot be read', 'left out', '', 'image')
OTHER_SIZE = Kind('label map has another size than its image', 'left out', '', 'image')
NO_CLASS = Kind('label map has values that are no class', 'noted', 'ignored', 'image')
UNNAMED = Kind('classes have no names', 'noted', 'called class_0 and so on')


def pairs_in(files: Sequence[Path], root: Path) -> tuple[dict[Path, Path], set[Path]]:
    """Find the label map of each image, and all label maps."""
    masks = {p for p in files if is_image(p) and _is_mask(p, root)}
    by_key = {_key(p, root): p for p in sorted(masks)}
    images = [p for p in files if is_image(p) and p not in masks]
    found = {p: by_key[_key(p, root)] for p in images if _key(p, root) in by_key}
    return found, masks


def _is_mask(path: Path, root: Path) -> bool:
    parts = {part.lower() for part in path.relative_to(root).parts[:-1]}
    named = path.stem.endswith(ENDS) and path.suffix.lower() == '.png'
    return named or bool(parts & FOLDERS)


def _key(path: Path, root: Path) -> tuple[str, ...]:
    stem = path.stem
    for end in ENDS:
        stem = stem.removesuffix(end)
    skip = FOLDERS | {'images', 'img', 'imgs', 'image', 'jpegimages', 'img_dir'}
    parts = path.relative_to(root).parts[:-1]
    return (*[part for part in parts if part.lower() not in skip], stem)


def read_masks(files: Sequence[Path], root: Path, names: Sequence[str]) -> Raw:
    """Read pairs of an image and a label map.

    Args:
        files: all files of the user's.
        root: the user's folder.
        names: of the classes, in order. Defaults come from labels.txt or classes.txt.
    """
    tally = Tally()
    found, masks = pairs_in(files, root)
    for path in filter(is_image, files):
        if path not in masks and path not in found:
            tally.add([NO_MASK], path.name)
    for path in sorted(masks - {*found.values()}):
        tally.add([SURPLUS], path.name)
    for path in files:
        if not names and path.name in ('labels.txt', 'classes.txt', 'class_names.txt'):
            lines = [line.strip() for line in text_of(path, tally).splitlines()]
            skip = ('', '__ignore__')
            names = [line for line in lines if line not in skip]
    images, seen, colours = [], {}, False
    for image, mask in sorted(found.items()):
        try:
            with Image.open(mask) as opened:
                colours |= opened.mode in ('RGB', 'RGBA')
                values, counts = np.unique(codes_of(opened), return_counts=True)
                size = opened.size
        except BROKEN:
            tally.add([BAD_MASK], mask.name)
            continue
        if size_of(image) not in (None, size):
            tally.add([OTHER_SIZE], mask.name)
            continue
        seen[mask] = dict(zip(values.tolist(), counts.tolist()))
        images.append(RawImage(image, split=split_of(image, root), mask=mask))
    total: Counter[int] = Counter()
    for own in seen.values():
        total.update(own)
    if len(total) > 256 or (colours and len(total) > COLOURS):
        raise InputError(
            f'label maps in {root} have {len(total)} values or colours, but a pixel '
            'must be the number of its class: save them as index PNG'
        )
    used = sorted(set(total) - ({IGNORED} if not set(total) <= {0, 255} else set()))
    if not names:
        tally.add([UNNAMED])
        last = used[-1] if used and not colours and used != [0, 255] else len(used) - 1
        names = [f'class_{i}' for i in range(last + 1)]
    if colours or used == [0, 255]:
        values_of = {value: i for i, value in enumerate(used) if i < len(names)}
    else:
        values_of = {i: i for i in range(len(names))}
    for mask, own in seen.items():
        strange = [v for v in own if v not in values_of and v != IGNORED]
        if strange:
            tally.add([NO_CLASS], f'{mask.name}: {strange[:5]}')
    kind = 'colour' if colours else 'index'
    return Raw(
        f'images and {kind} masks: {len(images)} pairs',
        list(names),
        images,
        tally,
        values_of,
        files=len(masks),
        declared=True,
    )
