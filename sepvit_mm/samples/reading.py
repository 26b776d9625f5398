"""Recognise the format of annotations, read them, and keep what can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import cast

from ..annotations import Fault, Kind
from ..annotations.fault import Tally
from ..annotations.names import listed, plain
from ..errors import InputError
from .formats import coco, folders, labelme, masks, voc, yolo
from .geometry import FRACTIONS, clean, in_pixels, turned
from .images import Looked, look_at
from .masks import read_values
from .record import NOTHING_LEFT, Contents, Format, Found, Record, left_out
from .sample import Object, Sample, Samples, Task

NOT_ANNOTATED = left_out('image without annotation', 'image')
NO_MASK = left_out('label map missing', 'image')
BROKEN_MASK = left_out('label map unreadable', 'image')
OTHER_MASK = left_out('label map of another size than its image', 'image')
UNTURNED_MASK = left_out(
    'label map for the image before its EXIF orientation is applied', 'image'
)
STRANGE_VALUES = Kind(
    'label map with values that no class has', 'noted', 'ignored there', 'image'
)
OTHER_SIZE = Kind(
    'annotations for another size than the image has',
    'noted',
    'taken as pixels of the image as it is',
    'image',
)
UNTURNED = Kind(
    'annotations for the image before its EXIF orientation is applied',
    'noted',
    'turned with the image',
    'image',
)
TWICE = Kind(
    'image that is there more than once, by content',
    'noted',
    'kept on one side when training and validation are divided',
    'image',
)
LEAK = Kind(
    'image of the training set that a held-out set has too, by content',
    'noted',
    'not trained on',
    'image',
)
LISTED_TWICE = left_out('image annotated twice', 'image', 'the second is left out')
STRANGE_CLASS = left_out('class that the training set does not have', 'object')

FORMATS = cast('Sequence[Format]', (coco, voc, yolo, labelme, masks, folders))
"""All formats; the first of several that fit equally is taken."""

LAYOUTS = """\
COCO json; Pascal VOC xml; YOLO txt with data.yaml; LabelMe json; images and masks in
two folders or with a suffix; a folder of images for each class"""


def read(
    data: str | Path,
    task: Task,
    *,
    val: str | Path | None = None,
    names: Sequence[str] = (),
) -> Samples:
    """Read annotated images in any format that is recognised.

    Args:
        data: folder with the images and annotations, or a file of annotations.
        task: what they are read for.
        val: another folder or file, to validate on; then all of ``data`` that is not
            for tests is trained on. Defaults to None.
        names: of the classes, where the format does not have them. Defaults to none.

    Returns:
        The images that can be used, and what was wrong with the others.

    Raises:
        InputError: nothing is recognised, the format does not suit the task, or
            nothing can be used.
    """
    samples = _read(Path(data), task, names)
    return samples if val is None else _with_val(samples, Path(val), names)


def _read(data: Path, task: Task, names: Sequence[str]) -> Samples:
    chosen, found = recognise(data, task, names)
    tally = Tally()
    contents = chosen.read(found, task, tally)
    if not contents.records:
        reasons = '; '.join(map(str, map(_counted, tally.faults({}))))
        raise InputError(f'{data}: nothing can be read: {reasons or found.text}')
    samples = tuple(_samples(contents, task, tally))
    classes = contents.classes
    if task == 'semantic' and not any(sample.mask for sample in samples):
        classes = ('background', *(c for c in classes if c != 'background'))
    _classes(classes, tally)
    totals = Counter(
        image=len(contents.records),
        object=sum(len(record.objects) for record in contents.records),
        **contents.totals,
    )
    faults = tuple(_counted(fault) for fault in tally.faults(totals))
    if not samples:
        reasons = '; '.join(map(str, faults))
        raise InputError(f'{data}: no image can be used: {reasons}')
    return Samples(
        task,
        f'{chosen.NAME}: {found.text}',
        classes,
        samples,
        faults,
        contents.values,
        contents.colours,
    )


def recognise(
    data: Path, task: Task, names: Sequence[str] = ()
) -> tuple[Format, Found]:
    """Find out which format a folder is in.

    Args:
        data: the folder, or a file of annotations.
        task: what it is to be read for.
        names: of the classes, if the user gives them. Defaults to none.

    Returns:
        The format, and what it found. Of several, one that is for this task alone, else
        the one that explains most files; the text names the others.

    Raises:
        InputError: there is none, or none for the task.
    """
    if not data.exists():
        raise InputError(f'{data} does not exist')
    if data.suffix.lower() in ('.zip', '.tar', '.gz', '.tgz', '.rar', '.7z'):
        raise InputError(f'{data} is an archive: unpack it, and name the folder')
    found = [(each, each.find(data, names)) for each in FORMATS]
    fitting = [(each, it) for each, it in found if it is not None]
    if not fitting:
        raise InputError(
            f'{data}: no annotations are recognised; it has {_there(data)}. '
            f'Understood are: {" ".join(LAYOUTS.split())}'
        )
    suitable = [(each, it) for each, it in fitting if task in each.TASKS]
    if not suitable:
        each, it = fitting[0]
        raise InputError(
            f'{data} is {each.NAME} ({it.text}), which can be read for '
            f'{" and ".join(sorted(each.TASKS))}, but not for {task}'
        )
    # a format for this task alone says more about it than one for several
    best, it = max(suitable, key=lambda pair: (len(pair[0].TASKS) == 1, pair[1].share))
    others = [each.NAME for each, _ in fitting if each is not best]
    if others:
        it = replace(it, text=f'{it.text} (not read: {", ".join(others)})')
    return best, it


def _there(data: Path) -> str:
    if data.is_file():
        return f'one file, {data.name}'
    counts = Counter(
        path.suffix.lower() or 'without suffix'
        for path in data.rglob('*')
        if path.is_file() and not path.name.startswith('.')
    )
    kinds = ', '.join(f'{count} {suffix}' for suffix, count in counts.most_common(5))
    return f'files by suffix: {kinds}' if kinds else 'no files'


def _counted(fault: Fault) -> Fault:
    """Make a fault's total at least its count, for nouns that only a format knows."""
    return replace(fault, of=max(fault.of, fault.count))


def _samples(contents: Contents, task: Task, tally: Tally) -> Iterable[Sample]:
    """Yield the images that can be used, ordered by path."""
    records = sorted(contents.records, key=lambda record: str(record.image))
    fractions = _are_fractions(records)
    if fractions:
        tally.add([FRACTIONS])
    held_out: set[str] = set()
    learned: list[tuple[str, Path]] = []
    seen: dict[str, Path] = {}
    paths: set[Path] = set()
    for record, looked in zip(records, look_at(record.image for record in records)):
        name = record.image.name
        if not record.annotated:
            tally.add([NOT_ANNOTATED], name)
            continue
        tally.add(looked.kinds, name)
        if looked.size is None:
            continue
        if record.image in paths:
            tally.add([LISTED_TWICE], name)
            continue
        paths.add(record.image)
        sample = _sample(record, looked, fractions, contents, task, tally)
        if sample is None:
            continue
        if looked.digest in seen:
            tally.add([TWICE], f'{name} = {seen[looked.digest].name}')
        seen.setdefault(looked.digest, record.image)
        if record.split in ('val', 'test'):
            held_out.add(looked.digest)
        else:
            learned.append((looked.digest, record.image))
        yield sample
    for digest, path in learned:
        if digest in held_out:
            tally.add([LEAK], path.name)


def _are_fractions(records: Iterable[Record]) -> bool:
    """Tell whether a format of pixels has fractions: no coordinate is beyond 1."""
    pixels = [record for record in records if not record.fractions]
    largest = [
        max(map(abs, each.box))
        for record in pixels
        for each in record.objects
        if all(map(isfinite, each.box))
    ]
    return bool(largest) and max(largest) <= 1


def _sample(
    record: Record,
    looked: Looked,
    fractions: bool,
    contents: Contents,
    task: Task,
    tally: Tally,
) -> Sample | None:
    """Bring a record and its image together; None if it cannot be used."""
    name = record.image.name
    assert looked.size is not None and looked.stored is not None
    common = dict(
        image=record.image, size=looked.size, digest=looked.digest, split=record.split
    )
    if task == 'classification':
        return Sample(**common, label=record.label)  # type: ignore[arg-type]
    if task == 'semantic' and (contents.values or record.mask):
        kind = _mask_fault(record, looked, contents, tally)
        if kind is not None:
            tally.add([kind], name)
            return None
        return Sample(**common, mask=record.mask)  # type: ignore[arg-type]
    objects: Sequence[Object] = record.objects
    if record.fractions or fractions:
        objects = [in_pixels(each, looked.size) for each in objects]
    elif record.size and record.size != looked.size:
        if record.size == looked.stored:
            tally.add([UNTURNED], name)
            objects = [
                turned(each, looked.orientation, looked.stored) for each in objects
            ]
        else:
            tally.add([OTHER_SIZE], name)
    kept, kinds = clean(objects, looked.size, task)
    for kind in kinds:
        tally.add([kind], name)
    if record.objects and not kept:
        tally.add([NOTHING_LEFT], name)
        return None
    return Sample(**common, objects=kept)  # type: ignore[arg-type]


def _mask_fault(
    record: Record, looked: Looked, contents: Contents, tally: Tally
) -> Kind | None:
    """Return why a label map cannot be used; count values that no class has."""
    if record.mask is None or not record.mask.exists():
        return NO_MASK
    try:
        values = read_values(record.mask, contents.colours)
    except (OSError, SyntaxError, ValueError):
        return BROKEN_MASK
    height, width = values.shape
    if (width, height) != looked.size:
        return UNTURNED_MASK if (width, height) == looked.stored else OTHER_MASK
    import numpy as np

    known = [*contents.values, 255]
    strange = sorted(set(np.unique(values).tolist()) - set(known))
    if strange:
        tally.add([STRANGE_VALUES], f'{record.mask.name}: {listed(strange)}')
    return None


def _classes(classes: Sequence[str], tally: Tally) -> None:
    """Note classes that are easily taken for one another."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(plain(name), []).append(name)
    alike = [group for group in groups.values() if len(group) > 1]
    for group in alike:
        kind = Kind(
            f'classes {listed(group)} differ only in capitals or blanks',
            'noted',
            'they stay different classes: rename them if they are one',
        )
        tally.add([kind])


def _with_val(samples: Samples, val: Path, names: Sequence[str]) -> Samples:
    """Add images to validate on; the others are to train on."""
    held_out = _read(val, samples.task, names)
    if samples.task == 'semantic' and samples.values != held_out.values:
        raise InputError(
            f'{val}: the label maps have the values {listed(held_out.values)} for '
            f'{listed(held_out.classes)}, but those to train on have '
            f'{listed(samples.values)} for {listed(samples.classes)}'
        )
    tally = Tally()
    known = set(samples.classes)
    strange: list[Sample] = []
    for sample in held_out.samples:
        objects = tuple(each for each in sample.objects if each.label in known)
        for each in sample.objects:
            if each.label not in known:
                tally.add([STRANGE_CLASS], f'{sample.image.name}: {each.label}')
        if sample.label is None or sample.label in known:
            strange.append(replace(sample, split='val', objects=objects))
        else:
            tally.add([STRANGE_CLASS], f'{sample.image.name}: {sample.label}')
    learned = [
        sample if sample.split == 'test' else replace(sample, split='train')
        for sample in samples.samples
    ]
    totals = {'object': sum(len(sample.objects) for sample in held_out.samples)}
    return replace(
        samples,
        format=f'{samples.format}; to validate on, {held_out.format}',
        samples=tuple(sorted([*learned, *strange], key=lambda s: str(s.image))),
        faults=(
            *samples.faults,
            *held_out.faults,
            *map(_counted, tally.faults(totals)),
        ),
    )
