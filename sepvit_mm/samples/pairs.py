"""Pair images with masks by their folders and names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .files import IMAGES, with_suffix

_MASK = re.compile(
    r'masks?|labels?|labels?_?(png|id)s?|annotations?|annots?|annotated|gt|gtfine|'
    r'gtcoarse|ground_?truths?|seg|segs|segmentations?|segmentationclass(png|aug)?|'
    r'segmentation_?masks?|label_?maps?|semantic|stuffthingmaps|png_?masks?|targets?'
)
"""Folders of masks."""
_IMAGE = re.compile(
    r'images?|imgs?|jpegimages|jpe?gs?|leftimg8bit|data|photos?|pictures?|inputs?|'
    r'original_?images?|rgb|src|source'
)
"""Folders of images."""
_JOINED = re.compile(r'(.+?)[_-]?(masks?|labels?|annot|gt)')
"""Folders of masks for what another folder has, as 'trainannot'."""
_INSTANCE = re.compile(
    r'segmentationobject(png)?|instances?|instance_?masks?|.*_instance(id|trainid)s'
)
"""Folders and names of masks that show instances."""
_OTHER = re.compile(r'.*(visuali[sz]ations?|_viz|_vis|_color|_colou?red|overlays?)')
"""Folders and names of pictures for people."""

_MASK_ENDS = (
    '_gtfine_labeltrainids',
    '_gtfine_labelids',
    '_labeltrainids',
    '_labelids',
    '_segmentation',
    '_label_ground-truth',
    '_masks',
    '_mask',
    '-mask',
    '.mask',
    ' mask',
    '_labels',
    '_label',
    '-label',
    '_seg',
    '-seg',
    '_gt',
    '_l',
)
_LOSSY = ('.jpg', '.jpeg')
_IMAGE_ENDS = ('_leftimg8bit', '_image', '_img', '_sat', '_rgb')
_SPLITS = ('train', 'val', 'valid', 'validation', 'test', 'training', 'testing')

Key = tuple[tuple[str, ...], str]


@dataclass(frozen=True)
class Pairs:
    """The images and masks of a folder.

    Attributes:
        images: all images that are not masks.
        masks: masks of the images that have one, the preferred one first.
        alone: masks for which there is no image.
        instances: masks that show instances, not classes.
    """

    images: tuple[Path, ...]
    masks: dict[Path, tuple[Path, ...]]
    alone: tuple[Path, ...]
    instances: tuple[Path, ...]


def pair_up(root: Path, files: Iterable[Path]) -> Pairs:
    """Pair images with masks.

    Args:
        root: folder of the data set.
        files: all files below it.
    """
    pictures = with_suffix(files, *IMAGES)
    stems = {(path.parent, path.stem.casefold()) for path in pictures}
    photographs = {
        (path.parent, path.stem.casefold())
        for path in pictures
        if path.suffix.lower() in _LOSSY
    }
    images: list[Path] = []
    instances: list[Path] = []
    candidates: list[tuple[Path, Key]] = []
    for path in pictures:
        folders = [part.casefold() for part in path.relative_to(root).parts[:-1]]
        stem = path.stem.casefold()
        if any(_INSTANCE.fullmatch(name) for name in (*folders, stem)):
            instances.append(path)
        elif any(_OTHER.fullmatch(name) for name in (*folders, stem)):
            continue
        elif (
            any(map(_is_of_masks, folders))
            or _ends_as_mask(path, stems)
            or _is_beside(path, photographs)
        ):
            candidates.append((path, _key(folders, stem)))
        else:
            images.append(path)
    return _matched(root, images, candidates, instances)


def _is_of_masks(folder: str) -> bool:
    if _MASK.fullmatch(folder):
        return True
    joined = _JOINED.fullmatch(folder)
    return joined is not None and joined[1].rstrip('_-') in (*_SPLITS, 'image', 'img')


def _ends_as_mask(path: Path, stems: set[tuple[Path, str]]) -> bool:
    """Tell whether a picture is named as the mask of another one beside it."""
    stem = path.stem.casefold()
    return any(
        (path.parent, stem[: -len(end)] + own) in stems
        for end in _MASK_ENDS
        if stem.endswith(end)
        for own in ('', *_IMAGE_ENDS)
    )


def _is_beside(path: Path, photographs: set[tuple[Path, str]]) -> bool:
    """Tell whether a PNG has the name of a photograph beside it."""
    key = (path.parent, path.stem.casefold())
    return path.suffix.lower() == '.png' and key in photographs


def _key(folders: Iterable[str], stem: str) -> Key:
    """Return what an image and its mask have in common."""
    kept = []
    for name in folders:
        joined = _JOINED.fullmatch(name)
        if joined and _is_of_masks(name) and not _MASK.fullmatch(name):
            name = joined[1].rstrip('_-')
        if not (_MASK.fullmatch(name) or _IMAGE.fullmatch(name)):
            kept.append(name)
    for end in (*_MASK_ENDS, *_IMAGE_ENDS):
        if stem.endswith(end) and stem != end:
            stem = stem[: -len(end)]
            break
    return tuple(kept), stem


def _matched(
    root: Path,
    images: list[Path],
    candidates: list[tuple[Path, Key]],
    instances: list[Path],
) -> Pairs:
    """Match by folder and name, else by a name that no other image has."""
    by_key: dict[Key, list[Path]] = {}
    by_stem: dict[str, list[Path]] = {}
    for path in images:
        folders = [part.casefold() for part in path.relative_to(root).parts[:-1]]
        for stem in {path.stem.casefold(), _key((), path.stem.casefold())[1]}:
            by_key.setdefault((_key(folders, '')[0], stem), []).append(path)
            by_stem.setdefault(stem, []).append(path)
    masks: dict[Path, list[Path]] = {}
    alone = []
    for path, key in candidates:
        whole = (key[0], path.stem.casefold())
        found = (
            by_key.get(whole)
            or by_key.get(key)
            or by_stem.get(whole[1])
            or by_stem.get(key[1])
            or []
        )
        if len(found) == 1:
            masks.setdefault(found[0], []).append(path)
        else:
            alone.append(path)
    ordered = {image: tuple(sorted(own, key=_rank)) for image, own in masks.items()}
    return Pairs(tuple(images), ordered, tuple(alone), tuple(instances))


def _rank(path: Path) -> tuple[int, bool, str]:
    """Order masks of one image: the numbers to train with, then exact files."""
    stem = path.stem.casefold()
    ends = [i for i, end in enumerate(_MASK_ENDS) if stem.endswith(end)]
    is_lossy = path.suffix.lower() in _LOSSY
    return min(ends, default=len(_MASK_ENDS)), is_lossy, str(path)
