"""Give every image a picture with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import PurePath

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
