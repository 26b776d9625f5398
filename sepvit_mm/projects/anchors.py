"""Choose anchors for boxes, by the share of boxes that they reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_IOU = 0.5
# Sets of ratios (height over width), the fewest anchors first.
RATIOS = ([1.0], [0.5, 1.0, 2.0], [0.33, 0.57, 1.0, 1.75, 3.0])
BASES = (2, 3, 4, 5, 6, 8)
ENOUGH = 0.01  # more anchors are worth it if they reach this share of boxes more


@dataclass(frozen=True)
class Anchors:
    """Anchors on all maps.

    Attributes:
        scale: side of the smallest anchor of a map, in strides of that map.
        ratios: heights over widths.
        reach: share of boxes with an anchor of IoU 0.5 or more, at the input's size.
    """

    scale: int
    ratios: tuple[float, ...]
    reach: float


def reached(
    boxes: Floats,
    *,
    strides: Sequence[int],
    scale: float,
    ratios: Sequence[float],
    octave: int,
) -> NDArray[np.bool_]:
    """Tell which boxes an anchor overlaps with an IoU of 0.5 or more.

    The anchors are those that mmdet lays over a map: centred on every stride, from the
    upper left corner on. Of all anchors of one size, the one with its centre nearest
    to the box's overlaps most, in each direction by itself, so no other is looked at
    and the result is exact. (The nearest may lie beyond the image, where mmdet has no
    anchors; but it covers at most half of such a box or of itself, and does not count.)

    Args:
        boxes: left, top, right, bottom in pixels of the input, one box a row.
        strides: of the maps.
        scale: side of the smallest anchor in strides.
        ratios: heights over widths.
        octave: number of sizes from one map to the next.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    best = np.zeros(len(boxes))
    for stride, ratio, step in product(strides, ratios, range(octave)):
        side = stride * scale * 2 ** (step / octave)
        anchor = np.array([side / ratio**0.5, side * ratio**0.5])
        at = np.round(centres / stride) * stride
        overlap = np.minimum(boxes[:, 2:], at + anchor / 2) - np.maximum(
            boxes[:, :2], at - anchor / 2
        )
        shared = np.prod(np.clip(overlap, 0, None), axis=1)
        best = np.maximum(best, shared / (areas + anchor.prod() - shared))
    return best >= LEAST_IOU


def choose_anchors(boxes: Floats, *, strides: Sequence[int], octave: int) -> Anchors:
    """Choose the fewest anchors that reach almost as many boxes as any would.

    Args:
        boxes: left, top, right, bottom in pixels of the input, one box a row.
        strides: of the maps.
        octave: number of sizes from one map to the next: 3 for RetinaNet, 1 for the
            proposals of Mask R-CNN.
    """

    def options() -> Iterable[Anchors]:
        for ratios, scale in product(RATIOS, BASES):
            found = reached(
                boxes, strides=strides, scale=scale, ratios=ratios, octave=octave
            )
            yield Anchors(scale, tuple(ratios), float(found.mean()))

    every = [*options()]
    enough = max(each.reach for each in every) - ENOUGH
    fewest = min(len(each.ratios) for each in every if each.reach >= enough)
    return max(
        (each for each in every if len(each.ratios) == fewest),
        key=lambda each: each.reach,
    )
