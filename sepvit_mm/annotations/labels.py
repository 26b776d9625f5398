"""Find what is wrong with label maps, the images whose pixels are class numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .fault import Fault, Kind, Tally
from .files import BROKEN, absent, size_of, spread
from .names import listed


@dataclass(frozen=True)
class LabelMaps:
    """The label maps of a dataset, and what a config takes their values for.

    Attributes:
        folder: where the label maps are.
        images: where the images are.
        pairs: paths of each image and of its label map.
        classes: names of the classes, in the order of their numbers.
        suffixes: what names of images and of label maps end with. Defaults to '.jpg'
            and '.png'.
        whole: whether the dataset is all that the folders have. Defaults to True.
        reduce_zero_label: whether 0 is ignored and 1 is the first class. Defaults to
            False.
        label_map: replacements of values, after that. Defaults to None: none.
        ignored: the value that is no class. Defaults to 255.
        trains: whether training reads them, in which mmseg resizes label maps and
            images to one size. Defaults to False.
    """

    folder: Path
    images: Path
    pairs: Sequence[tuple[Path, Path]]
    classes: tuple[str, ...]
    suffixes: tuple[str, str] = ('.jpg', '.png')
    whole: bool = True
    reduce_zero_label: bool = False
    label_map: Mapping[int, int] | None = None
    ignored: int = 255
    trains: bool = False


NO_FILE = Kind('image missing', 'stops', 'there is no such file', 'image')
NO_MAP = Kind('label map missing', 'stops', 'each image needs one', 'image')
SURPLUS = Kind('image missing', 'noted', 'the label map is not used', 'label map')
UNREADABLE = Kind('not an image', 'stops', 'it cannot be opened', 'sampled label map')
COLOURS = Kind(
    'several channels',
    'stops',
    'a pixel must be one number, that of its class: save one channel (mode L or P)',
    'sampled label map',
)


def label_faults(maps: LabelMaps) -> list[Fault]:
    """Find the faults of label maps, opening a sample of 50 from all over the dataset.

    Args:
        maps: the label maps. That none is missing is looked up for all.

    Returns:
        One fault for each kind, however often it occurs.
    """
    tally = Tally()
    if not maps.pairs:
        tally.add([_no_image(maps)])
    for path in absent(image for image, _ in maps.pairs):
        tally.add([NO_FILE], path.name)
    missing = set(absent(label for _, label in maps.pairs))
    for path in sorted(missing):
        tally.add([NO_MAP], path.name)
    found = {*maps.folder.rglob(f'*{maps.suffixes[1]}')}
    if maps.pairs and maps.whole:
        for path in sorted(found - {label for _, label in maps.pairs}):
            tally.add([SURPLUS], path.name)
    sample = [pair for pair in spread(maps.pairs) if pair[1] not in missing]
    total: Counter[int] = Counter()
    for image, label in sample:
        values = _values(image, label, maps, tally)
        total.update(values)
        strange = [value for value in sorted(values) if not _is_allowed(value, maps)]
        if strange:
            pixels = [f'{value} ({values[value]} pixels)' for value in strange[:5]]
            tally.add([_no_class(maps)], f'{label.name}: {", ".join(pixels)}')
    tally.add(_unseen(total, maps, whole=len(sample) == len(maps.pairs)))
    return tally.faults(
        {
            'image': len(maps.pairs),
            'label map': len(found),
            'sampled label map': len(sample),
        }
    )


def _no_image(maps: LabelMaps) -> Kind:
    if not maps.whole:
        return Kind('ann_file lists no image', 'stops', 'there is nothing to load')
    others = Counter(path.suffix for path in maps.images.rglob('*.*'))
    return Kind(
        f'no image in {maps.images} ends with {maps.suffixes[0]}',
        'stops',
        f'files there end with {listed(others)}: set img_suffix of the dataset',
    )


def _values(image: Path, label: Path, maps: LabelMaps, tally: Tally) -> Counter[int]:
    """Count the values of a label map, and what is wrong with it as an image."""
    try:
        with Image.open(label) as opened:
            if len(opened.getbands()) > 1:
                tally.add([COLOURS], f'{label.name}: {opened.mode}')
                return Counter()
            size, pixels = opened.size, np.asarray(opened)
    except BROKEN:
        tally.add([UNREADABLE], label.name)
        return Counter()
    other = size_of(image)
    if other and other != size:
        sizes = f'{size[0]}x{size[1]}, not {other[0]}x{other[1]}'
        tally.add([_other_size(maps)], f'{label.name}: {sizes}')
    values, counts = np.unique(pixels, return_counts=True)
    return Counter(dict(zip(map(int, values), map(int, counts), strict=True)))


def _other_size(maps: LabelMaps) -> Kind:
    return Kind(
        'another size than the image',
        'noted' if maps.trains else 'stops',
        'each pixel of the image, turned as its EXIF says, needs a label',
        'sampled label map',
    )


def _meaning(value: int, maps: LabelMaps) -> int:
    """Return what mmseg reads for a value: the number of a class, or what it ignores.

    mmseg reads 8 bits, so that 256 becomes 0; here it stays what it is, no class.
    """
    if maps.reduce_zero_label and value <= 255:
        value = 255 if value in (0, 255) else value - 1
    return (maps.label_map or {}).get(value, value)


def _is_allowed(value: int, maps: LabelMaps) -> bool:
    meaning = _meaning(value, maps)
    return 0 <= meaning < len(maps.classes) or meaning == maps.ignored


def _no_class(maps: LabelMaps) -> Kind:
    first = int(maps.reduce_zero_label)
    last = len(maps.classes) - 1 + first
    zero = '0 and ' if first else ''
    return Kind(
        f'values that are none of {len(maps.classes)} classes',
        'stops',
        f'classes are {first} to {last}, and {zero}{maps.ignored} is ignored; training '
        'fails on others, and evaluation counts what is predicted there as wrong',
        'sampled label map',
    )


def _unseen(values: Counter[int], maps: LabelMaps, *, whole: bool) -> Iterator[Kind]:
    """Find classes that no label map shows; a few may be missing from a sample."""
    meanings = {_meaning(value, maps) for value in values if _is_allowed(value, maps)}
    unseen = [name for i, name in enumerate(maps.classes) if i not in meanings]
    is_binary = set(values) == {0, maps.ignored} == {0, 255}
    if is_binary and len(maps.classes) == 2 and unseen:
        zero = ', and so is 0 (reduce_zero_label)' if maps.reduce_zero_label else ''
        yield Kind(
            'label maps have 0 and 255 for two classes',
            'stops',
            f'255 is ignored{zero}, so {listed(unseen)} is never seen: save 1 instead '
            'of 255' + (', and set reduce_zero_label=False' if zero else ''),
        )
    elif values and meanings == {maps.ignored}:
        yield Kind(
            f'label maps have only {listed(sorted(values))}',
            'stops',
            'all of that is ignored, so there is nothing to learn',
        )
    elif values and unseen and (whole or len(meanings - {maps.ignored}) == 1):
        yield Kind(
            f'label maps never show {listed(unseen)}',
            'noted',
            f'the values in {"them" if whole else "the sample"} are '
            f'{listed(sorted(values), 10)}',
        )
