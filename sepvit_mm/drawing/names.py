"""Give every image a picture with a name of its own, and write it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path, PurePath

from numpy.typing import NDArray
from PIL import Image

from ..atomic import written_whole

KEPT = ('.jpg', '.jpeg', '.png')
"""Suffixes of images whose pictures are in the same format; all others become PNG."""


class PictureNames:
    """Names for pictures: those of the images, as far as they differ.

    If a name is taken, the names of the image's folders are put before it:
    ``oak/1.png`` and ``elm/1.png`` become ``1.png`` and ``elm_1.png``.
    """

    def __init__(self) -> None:
        self._image_of: dict[str, str] = {}  # by name of its picture

    def name(self, image: str) -> str:
        """Return the name of an image's picture, the same one every time.

        Args:
            image: path or address of the image, or any other name for it.
        """
        names = candidates(image)
        return next(n for n in names if self._image_of.setdefault(n, image) == image)


def candidates(image: str) -> Iterator[str]:
    """Yield names for an image's picture, the best first, without end.

    Args:
        image: path or address of the image, or any other name for it.
    """
    path = PurePath(image)
    parts = [part for part in path.parts if part != path.anchor] or ['image']
    kept = path.suffix.lower() in KEPT
    suffix = path.suffix if kept else '.png'
    for depth in range(1, len(parts) + 1):
        stem = '_'.join([*parts[-depth:-1], path.stem or parts[-1]])
        yield stem + suffix
        if path.suffix and not kept:  # a.tif beside a.png
            yield f'{stem}{path.suffix}.png'
    for number in count(2):
        yield f'{stem}_{number}{suffix}'


def save(picture: NDArray, path: Path) -> None:
    """Write a picture, whole or not at all.

    Args:
        picture: shape H, W or H, W, 3 in RGB.
        path: the file, JPEG if its suffix says so, else PNG.

    Raises:
        OSError: the file cannot be written.
    """
    kind = 'JPEG' if path.suffix.lower() in ('.jpg', '.jpeg') else 'PNG'
    with written_whole(path) as partial:
        Image.fromarray(picture).save(partial, kind, quality=92)
