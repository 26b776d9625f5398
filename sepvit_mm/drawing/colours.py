"""Choose colours of classes that people tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

# Okabe and Ito's colours, which colour-blind people tell apart, without black; the
# first stand out from vegetation and tissue alike.
OKABE_ITO: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
)
DIFFERENT = 256
"""Colours before they come again: nobody tells more apart."""


def colours_of(meta: Mapping[str, Any]) -> list[Colour]:
    """Give every class a colour: the user's palette first, else Okabe and Ito's.

    A palette that is a name, or has more colours than there are classes, is not the
    user's: the dataset's own classes had it.

    Args:
        meta: the dataset's meta information; left unchanged.

    Returns:
        As many colours as ``classes``, or more. A palette that is too short is
        completed with colours as different as possible.
    """
    count, palette = len(meta.get('classes') or ()), meta.get('palette')
    given = () if palette is None or isinstance(palette, str) else tuple(palette)
    if not given or len(given) > count:
        given = OKABE_ITO
    known = tuple((int(red), int(green), int(blue)) for red, green, blue, *_ in given)
    return list(_completed(known, count))


def colour(index: int) -> Colour:
    """Return the colour of a class that has no palette.

    Args:
        index: number of the class; after 256 of them, colours come again.
    """
    return _completed(OKABE_ITO, DIFFERENT)[index % DIFFERENT]


@lru_cache
def _completed(known: tuple[Colour, ...], count: int) -> tuple[Colour, ...]:
    """Add the colour that is furthest from all others, again and again."""
    colours = list(known)
    candidates = _candidates()
    places = _lab(candidates)
    distances = np.full(len(places), np.inf)
    for index in range(min(count, DIFFERENT)):
        if index >= len(colours):
            red, green, blue = candidates[distances.argmax()].tolist()
            colours.append((red, green, blue))
        here = _lab(np.array(colours[index : index + 1], np.uint8))
        distances = np.minimum(distances, np.linalg.norm(places - here, axis=1))
    again = -(-count // len(colours))
    return tuple(colours * again)[: max(count, len(known))]


def _candidates() -> NDArray[np.uint8]:
    """Colours that are neither grey nor nearly black or white."""
    levels = np.linspace(0, 255, 16).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    lightness, green_red, blue_yellow = _lab(cube).T
    clear = np.hypot(green_red, blue_yellow) > 25
    return cube[clear & (lightness > 25) & (lightness < 92)]


def _lab(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return places in CIELAB, where distances are those that people see."""
    import cv2

    return cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
