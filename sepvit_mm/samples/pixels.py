"""Read the values and colours of masks, each file once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..annotations.files import BROKEN
from .legend import Colour

WORKERS = 4


@dataclass(frozen=True)
class Seen:
    """What a mask has.

    Attributes:
        path: the file.
        values: number of pixels by value, if it is grey or has a palette.
        colours: number of pixels by colour, if it can be shown in colours.
        is_coloured: whether only its colours tell classes.
    """

    path: Path
    values: Mapping[int, int]
    colours: Mapping[Colour, int]
    is_coloured: bool


def seen_in(paths: Sequence[Path]) -> list[Seen]:
    """Read masks in parallel; those that cannot be read are not in the list.

    Args:
        paths: the files.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        return [seen for seen in pool.map(_look, paths) if seen is not None]


def _look(path: Path) -> Seen | None:
    try:
        with Image.open(path) as image:
            image.load()
            pixels = np.asarray(image)
            if pixels.ndim == 2 and image.mode == 'P':
                return Seen(path, _values(pixels), _palette(image, pixels), False)
    except BROKEN:
        return None
    if pixels.ndim == 3:
        pixels = pixels[..., : 1 if pixels.shape[2] < 3 else 3]  # without transparency
        if (pixels == pixels[..., :1]).all():
            pixels = pixels[..., 0]
    if pixels.ndim == 2:
        values = _values(pixels)
        return Seen(path, values, {(v, v, v): n for v, n in values.items()}, False)
    return Seen(path, {}, _colours(pixels), True)


def _values(pixels: NDArray) -> dict[int, int]:
    if pixels.dtype == np.uint8:
        counts = np.bincount(pixels.ravel(), minlength=256)
        return {value: int(counts[value]) for value in np.flatnonzero(counts).tolist()}
    values, numbers = np.unique(pixels.astype(np.int64), return_counts=True)
    return dict(zip(values.tolist(), numbers.tolist()))


def _colours(pixels: NDArray) -> dict[Colour, int]:
    codes = pixels.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    return {
        (code >> 16, code >> 8 & 255, code & 255): number
        for code, number in _values(codes).items()
    }


def _palette(image: Image.Image, pixels: NDArray) -> dict[Colour, int]:
    table = np.asarray(image.convert('RGB'))
    counts: Counter[Colour] = Counter()
    for value, number in _values(pixels).items():
        row, column = np.argwhere(pixels == value)[0]
        red, green, blue = table[row, column].tolist()
        counts[red, green, blue] += number
    return counts
