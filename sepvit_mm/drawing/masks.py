"""Join masks and encode them, without whole images of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .samples import Mask


def union(masks: Sequence[Mask]) -> Mask:
    """Join masks of one image.

    Args:
        masks: at least one.
    """
    masks = [mask for mask in masks if mask.pixels.size] or list(masks[:1])
    left, top = min(m.left for m in masks), min(m.top for m in masks)
    right = max(m.left + m.pixels.shape[1] for m in masks)
    bottom = max(m.top + m.pixels.shape[0] for m in masks)
    pixels = np.zeros((bottom - top, right - left), bool)
    for mask in masks:
        height, width = mask.pixels.shape
        y, x = mask.top - top, mask.left - left
        pixels[y : y + height, x : x + width] |= mask.pixels
    return Mask(left, top, pixels)


def run_lengths(mask: Mask, size: tuple[int, int]) -> dict[str, Any]:
    """Encode a mask as COCO's run lengths, without a whole image of it.

    Args:
        mask: the mask.
        size: height and width of the image.
    """
    from pycocotools import mask as coco_mask

    height, width = size
    rows, columns = mask.pixels.shape
    strip = np.zeros((columns, height), np.int8)  # columns first, as COCO counts
    strip[:, mask.top : mask.top + rows] = mask.pixels.T
    flat = strip.ravel()
    turns = np.flatnonzero(np.diff(flat, prepend=0)) + mask.left * height
    counts = np.diff(turns, prepend=0, append=height * width).tolist()
    encoded = coco_mask.frPyObjects(
        {'counts': counts, 'size': [height, width]}, height, width
    )
    return {'size': [height, width], 'counts': encoded['counts'].decode()}
