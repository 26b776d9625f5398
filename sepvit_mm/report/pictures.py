"""Draw truth beside prediction, small enough to be inside a page."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..drawing.colours import colours_of
from ..drawing.images import read_image, source_of
from ..drawing.paint import paint
from ..drawing.samples import Mask, Shown
from .held_out import HeldOut
from .parts import Findings

SIDE = 480
"""Longest side of a picture; the smallest images are shown at half of it."""
BUDGET = 3_300_000
"""Bytes of all pictures of a page, before they are written as text."""
QUALITIES = (85, 75, 60, 45, 30)


@dataclass(frozen=True)
class Example:
    """An image of the test data, with what the model says about it.

    Attributes:
        name: of its file.
        reason: what is right and wrong.
        words: what else there is to tell.
        pictures: title and JPEG of each, as a data address.
        failure: why there is no picture; empty if there are some.
    """

    name: str
    reason: str
    words: str
    pictures: list[tuple[str, str]]
    failure: str = ''


def choose(order: list[int], count: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """Choose the worst images, and some of the others at random.

    Args:
        order: all images, the worst first.
        count: of each.
        seed: of the random choice. Defaults to 0.
    """
    others = sorted(order[count:])
    return order[:count], Random(seed).sample(others, min(count, len(others)))


def examples(
    held_out: HeldOut, findings: Findings, chosen: list[int], budget: int
) -> Iterator[Example]:
    """Draw some images.

    Args:
        held_out: the test data.
        findings: what is wrong with each.
        chosen: their indices.
        budget: bytes of each picture.
    """
    assert held_out.task is not None
    for index in chosen:
        place, path = held_out.images[index]
        pair = held_out.task.pair(
            held_out.taken[index], held_out.names, findings.threshold
        )
        name = PurePath(path).name if path else f'image {index}'
        pictures, failure = [], ''
        try:
            image = read_image(*source_of(held_out.dataset, place, path))
            for title, shown in _titled(pair.truth, pair.predicted):
                drawn = _drawn(image, shown, held_out, findings.threshold)
                pictures.append((title, _address(drawn, budget)))
        # of any kind: files and transforms are the user's
        except Exception as error:
            failure = f'It cannot be drawn: {type(error).__name__}: {error}'
        yield Example(name, findings.reasons[index], pair.words, pictures, failure)


def _titled(truth: Shown | None, predicted: Shown | None) -> list:
    if truth is None and predicted is None:
        return [('Image', None)]
    return [
        (title, shown)
        for title, shown in (('Truth', truth), ('Prediction', predicted))
        if shown is not None
    ]


def _drawn(
    image: NDArray[np.uint8], shown: Shown | None, held_out: HeldOut, threshold: float
) -> Image.Image:
    height, width = image.shape[:2]
    longest = max(height, width)
    scale = min(SIDE / longest, max(1.0, SIDE / 2 / longest))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    if shown is not None:
        colours = colours_of(held_out.meta)
        shown = _scaled(shown, scale, size)
        small = paint(small, shown, held_out.names, colours, threshold=threshold)
    return Image.fromarray(small)


def _scaled(shown: Shown, scale: float, size: tuple[int, int]) -> Shown:
    masks, label_map = shown.masks, shown.label_map
    if masks is not None:
        masks = [_scaled_mask(mask, scale) for mask in masks]
    if label_map is not None:
        nearest = Image.Resampling.NEAREST
        label_map = np.asarray(
            Image.fromarray(label_map.astype(np.int32)).resize(size, nearest)
        )
    return replace(shown, boxes=shown.boxes * scale, masks=masks, label_map=label_map)


def _scaled_mask(mask: Mask, scale: float) -> Mask:
    height, width = mask.pixels.shape
    if not mask.pixels.size:
        return mask
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = Image.fromarray(mask.pixels.astype(np.uint8) * 255).resize(size)
    left, top = round(mask.left * scale), round(mask.top * scale)
    return Mask(left, top, np.asarray(pixels) > 127)


def _address(picture: Image.Image, budget: int) -> str:
    """Encode a picture in the best quality that is within the budget."""
    for quality in QUALITIES:
        stream = io.BytesIO()
        picture.save(stream, 'JPEG', quality=quality, optimize=True)
        if stream.tell() <= budget:
            break
    return 'data:image/jpeg;base64,' + b64encode(stream.getvalue()).decode()
