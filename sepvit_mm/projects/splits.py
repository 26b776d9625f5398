"""Divide annotated images into training, validation and test, without leaks."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..samples import label_map
from ..samples.masks import IGNORED
from ..samples.sample import Samples, Split

SHARE = 0.2  # of the images, to validate on
NAMED = 3  # how many images or classes a note names


@dataclass(frozen=True)
class Splits:
    """Which images are for what, as indices into ``Samples.samples``.

    Attributes:
        train: the images to learn from.
        val: those to choose a checkpoint by.
        test: those to report; the same as ``val`` if the user has none.
        notes: what the user should know about it, a sentence each.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def by_name(self) -> dict[Split, tuple[int, ...]]:
        """The splits by name; ``test`` only if it is not ``val``."""
        splits: dict[Split, tuple[int, ...]] = dict(train=self.train, val=self.val)
        return splits if self.test == self.val else splits | dict(test=self.test)


def split(samples: Samples, *, share: float | None = None, seed: int = 0) -> Splits:
    """Keep the splits that the user has, and make those that are missing.

    Files of equal content are one image, so they are always on one side. What the
    user's own validation and test sets hold is taken out of the training set. A split
    that is made is the same for the same files and seed, wherever they lie, and each
    class has its share in it as far as its images allow (iterative stratification).

    Args:
        samples: the images. Of the same content in two of the user's splits, the one
            in the test set counts most, then the one in the validation set.
        share: share of the images to validate on, if the user has not chosen them.
            Defaults to None: 0.2.
        seed: seed of the order in which images are distributed. Defaults to 0.

    Returns:
        The splits.

    Raises:
        InputError: the share is not between 0 and 1, or there are too few images.
    """
    if share is not None:
        require_share(share)
    own: dict[str | None, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples.samples):
        own[sample.split].append(index)
    test, val = own['test'], own['val']
    learn = sorted([*own['train'], *own[None]])
    notes = []
    val, leaks = _without(samples, val, test)
    notes += _leaks(samples, leaks, 'validation', 'test set')
    learn, leaks = _without(samples, learn, [*test, *val])
    held_out = ' and '.join(
        name for name, used in (('validation', val), ('test', test)) if used
    )
    notes += _leaks(samples, leaks, 'training', f'{held_out} set')
    labels = {index: labels_of(samples, index) for index in (*learn, *val)}
    if not val:
        learn, val = _divide(samples, learn, labels, share or SHARE, seed)
    elif share is not None:
        notes.append(f'the data have a validation set, so val={share:g} is not used')
    if not learn:
        raise InputError(
            'no images are left to train on: all are in the validation or test set'
        )
    notes += _missing(samples.classes, labels, learn, val)
    notes += _empty(samples, learn)
    return Splits(tuple(learn), tuple(val), tuple(test or val), tuple(notes))


def require_share(share: float) -> None:
    """Check a share of the images to validate on.

    Raises:
        InputError: it is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(
            f'val is {share:g}, but must be a share between 0 and 1, or a folder'
        )


def labels_of(samples: Samples, index: int) -> frozenset[str]:
    """Return the names of the classes in an image."""
    sample = samples.samples[index]
    if sample.label is not None:
        return frozenset([sample.label])
    if samples.task != 'semantic':
        return frozenset(each.label for each in sample.objects)
    numbers = np.unique(label_map(samples, sample)).tolist()
    return frozenset(samples.classes[n] for n in numbers if n != IGNORED)


def _without(
    samples: Samples, indices: Sequence[int], held_out: Iterable[int]
) -> tuple[list[int], list[int]]:
    """Separate the images whose content is held out: those to keep, and the others."""
    digests = {samples.samples[index].digest for index in held_out}
    leaks = [i for i in indices if samples.samples[i].digest in digests]
    return [i for i in indices if i not in {*leaks}], leaks


def _divide(
    samples: Samples,
    indices: Sequence[int],
    labels: Mapping[int, frozenset[str]],
    share: float,
    seed: int,
) -> tuple[list[int], list[int]]:
    """Divide images in two, each class in proportion: those to learn from, and val."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index in indices:
        groups[samples.samples[index].digest].append(index)
    if len(groups) < 2:
        raise InputError(
            f'a validation set needs 2 different images or more, but there '
            f'{"is 1" if groups else "are 0"}: name a folder of others with --val'
        )
    order = sorted(groups, key=lambda digest: _shuffled(digest, seed))
    kinds = {
        digest: frozenset().union(*(labels[index] for index in groups[digest]))
        for digest in order
    }
    held_out = _stratified(order, kinds, share)
    if not held_out or len(held_out) == len(order):
        # at least one on each side: the image whose classes have the most others
        counts = Counter(label for digest in order for label in kinds[digest])
        spare = max(
            order, key=lambda d: min((counts[c] for c in kinds[d]), default=len(order))
        )
        held_out = {spare} if not held_out else {*order} - {spare}
    val = sorted(index for digest in held_out for index in groups[digest])
    return [index for index in indices if index not in {*val}], val


def _shuffled(digest: str, seed: int) -> str:
    return hashlib.sha256(f'{seed} {digest}'.encode()).hexdigest()


def _stratified(
    order: Sequence[str], kinds: Mapping[str, frozenset[str]], share: float
) -> set[str]:
    """Choose the images to hold out, as Sechidis et al. (2011) stratify labels.

    The class with the fewest images left is distributed first. Each image goes to the
    side that lacks most of that class, then to the one that lacks most images.
    """
    counts = Counter(label for digest in order for label in kinds[digest])
    sides = (1 - share, share)
    wanted = [{label: part * n for label, n in counts.items()} for part in sides]
    room = [part * len(order) for part in sides]
    left = dict.fromkeys(order)
    held_out = set()

    def place(digest: str, label: str | None) -> None:
        side = max(
            (0, 1),
            key=lambda s: (round(wanted[s].get(label or '', 0), 9), round(room[s], 9)),
        )
        room[side] -= 1
        for each in kinds[digest]:
            wanted[side][each] -= 1
            counts[each] -= 1
        if side == 1:
            held_out.add(digest)
        del left[digest]

    while any(counts.values()):
        rarest = min((n, label) for label, n in counts.items() if n)[1]
        for digest in [d for d in left if rarest in kinds[d]]:
            place(digest, rarest)
    for digest in [*left]:
        place(digest, None)
    return held_out


def _leaks(
    samples: Samples, leaks: Sequence[int], source: str, target: str
) -> list[str]:
    if not leaks:
        return []
    names = _names([samples.samples[index].image.name for index in leaks])
    what = '1 image is' if len(leaks) == 1 else f'{len(leaks)} images are'
    return [
        f'{what} left out of the {source} set, since the {target} holds equal files: '
        f'{names}'
    ]


def _missing(
    classes: Sequence[str],
    labels: Mapping[int, frozenset[str]],
    train: Sequence[int],
    val: Sequence[int],
) -> list[str]:
    """Say which classes one side lacks."""
    learned = frozenset[str]().union(*(labels[index] for index in train))
    judged = frozenset[str]().union(*(labels[index] for index in val))
    unlearned = [c for c in classes if c in judged - learned]
    unjudged = [c for c in classes if c in learned - judged]
    unused = [c for c in classes if c not in learned | judged]
    notes = []
    if unlearned:
        notes.append(f'no training image has {_names(unlearned)}: not learned')
    if unjudged:
        notes.append(
            f'no validation image has {_names(unjudged)}: learned, but not evaluated'
        )
    if unused:
        notes.append(f'no image has {_names(unused)}: never predicted')
    return notes


def _empty(samples: Samples, train: Sequence[int]) -> list[str]:
    """Say how images without objects are used."""
    if samples.task not in ('detection', 'instance'):
        return []
    empty = sum(not samples.samples[index].objects for index in train)
    if not empty:
        return []
    use = {
        'detection': 'learned as background',
        'instance': 'not learned from, since Mask R-CNN learns masks',
    }[samples.task]
    return [f'{empty} of {len(train)} training images have no objects: {use}']


def _names(names: Sequence[str]) -> str:
    more = f' and {len(names) - NAMED} more' if len(names) > NAMED else ''
    return f'{", ".join(names[:NAMED])}{more}'
