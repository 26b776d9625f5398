"""Find out which class each value or colour of masks is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..annotations import Kind
from ..annotations.fault import Tally
from ..annotations.names import listed
from ..errors import InputError
from .legend import Colour, Legend
from .pixels import Seen
from .record import left_out

MOST = 64  # values or colours that a mask of classes has at most
BORDER = 255
NEAR = 8  # how far smoothed or compressed values are from 0 or 255


def _noted(what: str, then: str, noun: str = '') -> Kind:
    return Kind(what, 'noted', then, noun)


PHOTOGRAPH = left_out(
    f'mask with more than {MOST} colours',
    'mask',
    'left out: it is a photograph, or was saved as JPEG; save masks as PNG',
)
CONTINUOUS = left_out(
    f'mask with more than {MOST} grey values',
    'mask',
    'left out: it is a grey photograph, or shows instances; or give the names of all '
    'classes',
)
LOSSY = _noted(
    'mask saved as JPEG',
    'values near the borders of classes may be wrong: save masks as PNG',
    'mask',
)
BLACK = _noted('mask that is 0 everywhere', 'used', 'mask')
IGNORED = _noted('mask with the value 255', 'not learned there, as a border', 'mask')
ROUNDED = _noted(
    'mask with values between 0 and 255 at its borders',
    'rounded: below 128 to background, others to the class',
    'mask',
)


@dataclass(frozen=True)
class Meaning:
    """What the pixels of masks mean.

    Attributes:
        classes: names in the order of their numbers.
        values: number of each class by value.
        colours: value by colour. Defaults to none: masks have values.
        unusable: masks to leave out. Defaults to none.
    """

    classes: tuple[str, ...]
    values: Mapping[int, int]
    colours: Mapping[Colour, int] = field(default_factory=dict)
    unusable: frozenset[Path] = frozenset()


def meaning_of(masks: Sequence[Seen], legend: Legend, tally: Tally) -> Meaning:
    """Find out which value or colour is which class.

    Args:
        masks: what all masks have.
        legend: names of the classes, if there are any.
        tally: where is counted what is unusual.

    Returns:
        What the pixels mean; colours only if a mask cannot be read without.

    Raises:
        InputError: the masks together have too many colours, and none has a name.
    """
    for seen in masks:
        if seen.path.suffix.lower() in ('.jpg', '.jpeg'):
            tally.add([LOSSY], seen.path.name)
        if set(seen.values) == {0}:
            tally.add([BLACK], seen.path.name)
    if any(seen.is_coloured for seen in masks):
        return _of_colours(masks, legend, tally)
    if _is_smoothed(masks, legend):
        return _rounded(masks, legend, tally)
    return _of_values(masks, legend, tally)


def _of_colours(masks: Sequence[Seen], legend: Legend, tally: Tally) -> Meaning:
    most = max(MOST, len(legend.colours))
    unusable = [seen for seen in masks if len(seen.colours) > most]
    for seen in unusable:
        tally.add([PHOTOGRAPH], seen.path.name)
    out = frozenset(seen.path for seen in unusable)
    if legend.colours:
        classes, values = _numbered(legend.names)
        return Meaning(classes, values, legend.colours, out)
    usable = [seen for seen in masks if seen.path not in out]
    found = sorted({colour for seen in usable for colour in seen.colours})
    if len(found) > MOST:
        raise InputError(
            f'the masks have {len(found)} colours, more than the {MOST} that classes '
            'can be told by: name them in class_dict.csv, a line "name,r,g,b" each'
        )
    names = _in_order(found, legend.ordered)
    texts = [f'{name} is {colour}' for name, colour in zip(names, found)]
    if found:
        then = f'{", ".join(texts)}: name them in class_dict.csv, a line "name,r,g,b"'
        tally.add([_noted(f'no file names the {len(found)} colours of masks', then)])
    colours = {colour: i for i, colour in enumerate(found)}
    return Meaning(names, {i: i for i in range(len(found))}, colours, out)


def _in_order(found: Sequence[object], names: Sequence[str]) -> tuple[str, ...]:
    if len(names) == len(found):
        return tuple(names)
    return tuple(f'class_{i}' for i in range(len(found)))


def _is_smoothed(masks: Iterable[Seen], legend: Legend) -> bool:
    """Tell whether masks are 0 and 255 with values between from JPEG or resizing."""
    counts: Counter[int] = Counter()
    for seen in masks:
        counts.update(seen.values)
    if not counts or max(counts) > BORDER or len(legend.names) > 2:
        return False
    low = sum(n for value, n in counts.items() if value < NEAR)
    high = sum(n for value, n in counts.items() if value > BORDER - NEAR)
    has_between = any(NEAR <= value <= BORDER - NEAR for value in counts)
    is_lossy = any(value > BORDER - NEAR and value != BORDER for value in counts)
    is_extreme = low + high >= 0.9 * sum(counts.values())
    return bool(low and high and is_extreme and (has_between or is_lossy))


def _rounded(masks: Iterable[Seen], legend: Legend, tally: Tally) -> Meaning:
    for seen in masks:
        if set(seen.values) - {0, BORDER}:
            tally.add([ROUNDED], seen.path.name)
    classes = _two(legend, tally)
    return Meaning(classes, {value: int(value > 127) for value in range(256)})


def _two(legend: Legend, tally: Tally) -> tuple[str, ...]:
    names = legend.ordered
    classes = (('background', 'object'), ('background', *names), names)[len(names)]
    then = f'taken as {listed(classes)}'
    tally.add([_noted('masks have the values 0 and 255 only', then)])
    return tuple(classes)


def _of_values(masks: Sequence[Seen], legend: Legend, tally: Tally) -> Meaning:
    most = max(MOST, len(legend.names))
    unusable = frozenset(seen.path for seen in masks if len(seen.values) > most)
    usable = []
    for seen in masks:
        if seen.path in unusable:
            tally.add([CONTINUOUS], seen.path.name)
        else:
            usable.append(seen)
    found = {value for seen in usable for value in seen.values}
    names, ordered = legend.names, legend.ordered
    if BORDER in found and found <= {0, BORDER} and len(names) <= 2:
        return Meaning(_two(legend, tally), {0: 0, BORDER: 1}, unusable=unusable)
    if BORDER not in names:
        for seen in usable:
            if BORDER in seen.values:
                tally.add([IGNORED], seen.path.name)
        found.discard(BORDER)
    values = sorted(found)
    if not names:
        classes = _in_order(values, ())
        texts = [f'{name} is {value}' for name, value in zip(classes, values)]
        then = (
            f'{", ".join(texts[:5])}{", ..." if len(texts) > 5 else ""}: write the '
            'names to labels.txt, a line each, from value 0'
        )
        tally.add([_noted(f'no file names the {len(values)} values of masks', then)])
        return Meaning(classes, {v: i for i, v in enumerate(values)}, unusable=unusable)
    if not found <= set(names):
        names = _fitting(values, ordered, names, tally)
    classes, numbers = _numbered(names)
    return Meaning(classes, numbers, unusable=unusable)


def _fitting(
    values: Sequence[int], ordered: Sequence[str], names: dict[int, str], tally: Tally
) -> dict[int, str]:
    """Give names to values that are not counted from 0, or whose 0 has no name."""
    if len(ordered) == len(values):
        then = f'the names are given to the values {listed(values)} in order'
        tally.add([_noted('values of masks do not count from 0', then)])
        return dict(zip(values, ordered))
    if values == list(range(len(ordered) + 1)) and 'background' not in ordered:
        then = 'value 0 is taken as background, before the names'
        tally.add([_noted('masks have one value more than there are names', then)])
        return dict(enumerate(('background', *ordered)))
    return names  # the values without a name are counted when masks are compared


def _numbered(names: Mapping[int, str]) -> tuple[tuple[str, ...], dict[int, int]]:
    """Number the classes in the order of their values; equal names are one class."""
    values = sorted(names)
    classes = tuple(dict.fromkeys(names[value] for value in values))
    return classes, {value: classes.index(names[value]) for value in values}
