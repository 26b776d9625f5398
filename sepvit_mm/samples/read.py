"""Recognise the format of a user's data, and read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..annotations.fault import Kind, Tally
from ..annotations.names import listed, plain
from ..errors import InputError
from .coco import is_coco, load_json, read_coco
from .folders import read_folders
from .geometry import TURNED, objects_of, turn
from .images import look_at
from .labelme import is_labelme, read_labelme
from .masks import pairs_in, read_masks
from .raw import SPLITS, Raw, RawImage, files_in, is_image
from .sample import Sample, Samples, Task
from .voc import read_voc
from .yolo import is_line, read_yolo

LAYOUTS = (
    'COCO json, Pascal VOC xml, YOLO txt, LabelMe json, images with masks '
    '(images/ and masks/), or a folder for each class'
)
OTHER_SIZE = Kind(
    'annotation has another size than the image', 'noted', 'boxes are kept', 'image'
)
UNANNOTATED = Kind('image without annotation', 'noted', 'shows no object', 'image')
TWICE = Kind('image twice by content', 'noted', 'kept on one side', 'image')
LEAK = Kind('same image in two splits', 'noted', 'kept on one side', 'image')
SAME_PATH = Kind('image listed twice', 'left out', 'the first is used', 'image')
NOTHING = Kind('image file is hidden', 'left out', '', 'file')


def read(
    data: Path,
    task: Task,
    *,
    val: Path | None = None,
    images: Path | None = None,
    masks: Path | None = None,
    names: Sequence[str] = (),
) -> Samples:
    """Recognise and read annotated images.

    Args:
        data: a folder, or a COCO file.
        task: what they are for.
        val: more of them, to validate on. Defaults to None.
        images: folder of the images, if it is another. Defaults to None.
        masks: folder of the label maps, if it is another. Defaults to None.
        names: of the classes of label maps, in order. Defaults to those in the data.

    Returns:
        What can be used, and the faults of what cannot.

    Raises:
        InputError: no format or several are recognised, or nothing can be used.
    """
    raw = _raw(Path(data), task, images, masks, names)
    if val is not None:
        for image in raw.images:
            image.split = image.split if image.split == 'test' else 'train'
        more = _raw(Path(val), task, None, None, names or raw.classes)
        raw.images += [replace(image, split='val') for image in more.images]
        raw.classes += [name for name in more.classes if name not in raw.classes]
        raw.tally.absorb(more.tally)
    return _checked(raw, task, Path(data))


def _raw(
    data: Path,
    task: Task,
    images: Path | None,
    masks: Path | None,
    names: Sequence[str],
) -> Raw:
    if not data.exists():
        raise InputError(f'{data} does not exist')
    if data.is_file() and data.suffix.lower() != '.json':
        advice = 'unpack it first' if data.suffix == '.zip' else 'give a folder'
        raise InputError(f'{data} is a {data.suffix or "plain"} file: {advice}')
    root = data if data.is_dir() else data.parent
    files = files_in(root)
    for more in (images, masks):
        files += [] if more is None or more.is_relative_to(root) else files_in(more)
    tally = Tally()
    wanted = [data] if data.is_file() else files
    contents = {
        path: content
        for path in wanted
        if path.suffix.lower() == '.json'
        and (content := load_json(path, tally)) is not None
    }
    coco = {path: c for path, c in contents.items() if is_coco(c)}
    labelme = {path: c for path, c in contents.items() if is_labelme(c)}
    xml = [p for p in wanted if p.suffix.lower() == '.xml']
    lists = ('ImageSets', 'Main')
    txt = [
        p
        for p in wanted
        if p.suffix.lower() == '.txt'
        and not set(lists) & {*p.parts}
        and p.name not in ('classes.txt', 'labels.txt')
        and (p.parent.name == 'labels' or 'labels' in p.parts or _is_yolo(p))
    ]
    readers: dict[str, Callable[[], Raw]] = {}
    if task == 'classification':
        if _has_folders(files, root):
            readers['folders of classes'] = lambda: read_folders(files, root)
    else:
        if coco:
            readers['COCO'] = lambda: read_coco(coco, files, root, tally)
        if labelme:
            readers['LabelMe'] = lambda: read_labelme(labelme, root, tally)
        if xml and task == 'detection':
            readers['Pascal VOC'] = lambda: read_voc(xml, files, root)
        if txt:
            readers['YOLO'] = lambda: read_yolo(txt, files, root)
        if task == 'semantic' and pairs_in(files, root)[0] and not readers:
            readers['masks'] = lambda: read_masks(files, root, names)
    if not readers and xml and task == 'instance':
        readers['Pascal VOC'] = lambda: read_voc(xml, files, root)
    if len(readers) > 1:
        raise InputError(
            f'{root} has annotations as {" and ".join(readers)}: give the folder or '
            'the file of one'
        )
    if not readers:
        counts = Counter(p.suffix.lower() or 'no suffix' for p in files)
        found = ', '.join(f'{n} {suffix}' for suffix, n in counts.most_common(8))
        raise InputError(
            f'{data} has no annotations for {task} that are recognised; it has '
            f'{found or "no files"}; {LAYOUTS} are'
            + ''.join(f'; {fault}' for fault in tally.faults({'file': len(files)}))
        )
    return next(iter(readers.values()))()


def _is_yolo(path: Path) -> bool:
    lines = path.read_text('utf-8', 'replace').splitlines()[:5]
    return bool(lines) and all(is_line(line) for line in lines if line.strip())


def _has_folders(files: Sequence[Path], root: Path) -> bool:
    parents = {p.relative_to(root).parts[:-1] for p in files if is_image(p)}
    names = {part for parts in parents for part in parts}
    return len({name for name in names if name.lower() not in SPLITS}) > 1


def _checked(raw: Raw, task: Task, data: Path) -> Samples:
    """Open all images, check all objects, and keep what can be used."""
    tally = raw.tally
    facts = look_at(image.path for image in raw.images)
    samples: dict[Path, Sample] = {}
    digests: dict[str, Sample] = {}
    objects = sum(len(image.objects) for image in raw.images)
    for image in sorted(raw.images, key=lambda image: image.path):
        seen = facts[image.path]
        tally.add(seen.kinds, image.path.name)
        if seen.size is None:
            continue
        if image.path in samples:
            tally.add([SAME_PATH], image.path.name)
            continue
        _fit(image, seen.size, seen.orientation, tally)
        found = objects_of(image, seen.size, tally, outlines=task != 'detection')
        if not image.annotated or (
            not image.objects and image.mask is None and image.label is None
        ):
            tally.add([UNANNOTATED], image.path.name)
        own = Sample(
            *(image.path, seen.size, seen.digest, image.split),
            *(found, image.mask, image.label),
        )
        first = digests.setdefault(own.digest, own)
        if first is not own:
            names = f'{own.image.name} = {first.image.name}'
            tally.add([TWICE if first.split == own.split else LEAK], names)
        samples[own.image] = own
    classes = _classes(raw, task, [*samples.values()])
    if not samples:
        raise InputError(
            f'{data}: none of {len(raw.images)} images can be used: '
            + '; '.join(map(str, tally.faults({'image': len(raw.images)})[:3]))
        )
    if task in ('detection', 'instance') and not any(
        s.objects for s in samples.values()
    ):
        has = 'boxes only' if any(i.objects for i in raw.images) else 'no objects'
        raise InputError(f'{data} ({raw.format}) has {has}, but {task} was asked for')
    totals = {'image': len(raw.images), 'object': objects, 'file': raw.files}
    return Samples(
        *(task, raw.format, classes, tuple(samples.values())),
        *(tuple(tally.faults(totals)), raw.values),
    )


def _fit(
    image: RawImage, size: tuple[int, int], orientation: int, tally: Tally
) -> None:
    """Turn annotations that were made before the image was turned."""
    if image.said is None or image.relative or image.said == size:
        return
    if orientation in (5, 6, 7, 8) and image.said == size[::-1]:
        tally.add([TURNED], image.path.name)
        turn(image, orientation, size)
    else:
        said, real = ('x'.join(f'{n:g}' for n in s) for s in (image.said, size))
        tally.add([OTHER_SIZE], f'{image.path.name}: {said}, not {real}')


def _classes(raw: Raw, task: Task, samples: list[Sample]) -> tuple[str, ...]:
    """Return the classes, and count what is odd about them."""
    count = Counter(each.label for s in samples for each in s.objects)
    count.update(s.label for s in samples if s.label is not None)
    names = list(dict.fromkeys([*raw.classes, *sorted(set(count) - {*raw.classes})]))
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(plain(name) or name, []).append(name)
    for same in alike.values():
        if len(same) > 1:
            what = f'classes {listed(same)} differ only in case or blanks'
            raw.tally.add([Kind(what, 'noted', 'kept apart: rename one')])
    if not raw.values:
        unused = [name for name in names if not count[name]]
        if unused:
            what = f'classes without an object: {listed(unused)}'
            raw.tally.add([Kind(what, 'noted', 'nothing to learn for them')])
        few = [f'{name} {count[name]}' for name in names if 0 < count[name] < 10]
        if few:
            what = f'classes with fewer than 10: {listed(few)}'
            raw.tally.add([Kind(what, 'noted', 'annotate more')])
    drawn = task == 'semantic' and not raw.values
    return (('background', *names) if drawn else tuple(names)) if names else ()
