"""Look at image files without decoding them: are they there, and how large."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

SAMPLE = 50  # how many files of a dataset are opened

Item = TypeVar('Item')

BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What PIL raises for files that it cannot read."""

_TURNED = (5, 6, 7, 8)  # values of EXIF's orientation that swap width and height
_ORIENTATION = 0x0112


def size_of(path: Path) -> tuple[int, int] | None:
    """Return width and height of an image as mmcv loads it, turned as EXIF says.

    Args:
        path: the file; only its header is read.

    Returns:
        Width and height; None if the file cannot be read as an image, or is a stack of
        them, which PIL takes some files of many bands for.
    """
    try:
        with Image.open(path) as image:
            if getattr(image, 'n_frames', 1) > 1:
                return None
            width, height = image.size
            # for PNG, PIL would decode the whole image to look for EXIF
            exif = {} if image.format == 'PNG' else image.getexif()
    except BROKEN:
        return None
    return (height, width) if exif.get(_ORIENTATION) in _TURNED else (width, height)


def absent(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths without a file; each folder is listed once.

    Args:
        paths: any number of files, in any number of folders.
    """
    folders: dict[Path, set[str]] = {}
    for path in paths:
        if path.parent not in folders:
            folders[path.parent] = _names(path.parent)
        if path.name not in folders[path.parent]:
            yield path


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def spread(items: Sequence[Item], number: int = SAMPLE) -> list[Item]:
    """Return some items from all over a sequence, the first and the last included.

    Args:
        items: the sequence.
        number: how many items to return at most. Defaults to 50.
    """
    last, steps = len(items) - 1, max(1, number - 1)
    if last < number:
        return list(items)
    return [items[last * step // steps] for step in range(number)]
