"""Pascal VOC xml: the devkit's folders, or xml beside images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element, ParseError

from ..annotations.fault import Kind, Tally
from ..errors import InputError
from .raw import BROKEN, SPLITS, Raw, RawImage, RawObject, is_image, split_of
from .sample import Split

NO_NAME = Kind('object without name or bndbox', 'left out', '', 'object')
NO_CORNER = float('nan')


def read_voc(xml: Sequence[Path], files: Sequence[Path], root: Path) -> Raw:
    """Read Pascal VOC's files, whose pixels count from 1, both corners included.

    So left and top shift by one, and right and bottom are edges already. Files that
    have a 0 for left or top anywhere count from 0, and are taken as they are.

    Args:
        xml: the files.
        files: all files of the user's, to find images among.
        root: the user's folder.
    """
    from defusedxml.ElementTree import fromstring

    tally = Tally()
    by_stem: dict[str, list[Path]] = {}
    for path in filter(is_image, files):
        if path.parent.name not in ('SegmentationClass', 'SegmentationObject'):
            by_stem.setdefault(path.stem, []).append(path)
    listed = _lists(files)
    images = []
    for path in xml:
        try:
            tree = fromstring(path.read_bytes())
        except (ParseError, OSError, ValueError):
            tally.add([BROKEN], path.name)
            continue
        if tree.tag != 'annotation':
            continue
        size = [_number(tree, f'size/{key}') for key in ('width', 'height')]
        said = (size[0], size[1]) if all(n > 0 for n in size) else None
        image = _image(tree, path, root, by_stem)
        split = listed.get(path.stem) or split_of(path, root)
        own = RawImage(image, said=said, split=split)
        for entry in tree.findall('object'):
            label = (entry.findtext('name') or '').strip()
            if not label or entry.find('bndbox') is None:
                tally.add([NO_NAME], path.name)
                continue
            corners = ('xmin', 'ymin', 'xmax', 'ymax')
            box = [_number(entry, f'bndbox/{key}') for key in corners]
            polygons = [_polygon(each) for each in entry.findall('polygon')]
            own.objects.append(RawObject(label, box, polygons, place=path.name))
        images.append(own)
    if not images:
        raise InputError(f'{root} has xml files, but none is Pascal VOC')
    boxes = [each.box or [] for own in images for each in own.objects]
    if not any(0 in box[:2] for box in boxes):
        for own in images:
            for each in own.objects:
                left, top, right, bottom = each.box or [NO_CORNER] * 4
                if max(left, top, right, bottom) > 1:  # else fractions
                    each.box = [left - 1, top - 1, right, bottom]
                each.polygons = [[v - 1 for v in p] for p in each.polygons]
    return Raw(f'Pascal VOC: {len(xml)} xml files', [], images, tally, files=len(xml))


def _number(tree: Element, path: str) -> float:
    try:
        return float(tree.findtext(path) or 'nan')
    except ValueError:
        return NO_CORNER


def _polygon(tree: Element) -> list[float]:
    values = []
    for index in range(1, len(tree) // 2 + 1):
        values += [_number(tree, f'x{index}'), _number(tree, f'y{index}')]
    return values


def _image(
    tree: Element, path: Path, root: Path, by_stem: dict[str, list[Path]]
) -> Path:
    name = PureWindowsPath((tree.findtext('filename') or '').strip()).name
    folders = (path.parent, path.parent.parent / 'JPEGImages', root / 'images')
    for folder in folders:
        if name and (folder / name).is_file():
            return folder / name
    same = by_stem.get(path.stem) or by_stem.get(Path(name).stem) or []
    near = [p for p in same if p.parent == path.parent] or same
    return near[0] if len(near) == 1 else path.with_name(name or f'{path.stem}.jpg')


def _lists(files: Sequence[Path]) -> dict[str, Split]:
    """Read ImageSets/Main: the split of each stem."""
    found: dict = {}
    for path in files:
        split = SPLITS.get(path.stem)
        if path.suffix == '.txt' and path.parent.name == 'Main' and split:
            if path.stem == 'trainval':
                continue
            words = path.read_text('utf-8', 'replace').splitlines()
            found.update((line.split()[0], split) for line in words if line.split())
    return found
