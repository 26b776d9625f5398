"""Steps from a detector's maps to its boxes, in operators that every runtime has.

What mmdet does image by image is done here for a whole batch at once, with numbers of
boxes that are only known when the graph runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SMALLEST_RATIO = 16 / 1000
"""Of a box to its anchor, as in mmdet: beyond it, sizes are not trusted."""
MOST = 2**30  # boxes of a batch


def grid_anchors(base: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Repeat the anchors of one place at all places of a map.

    Args:
        base: anchors around the place of the map's first pixel, (A, 4).
        height: H of the map.
        width: W of the map.
        stride: pixels of the image from one place to the next.

    Returns:
        (H * W * A, 4), row by row.
    """
    y, x = (
        torch.arange(side, device=base.device, dtype=base.dtype) * stride
        for side in (height, width)
    )
    places = torch.stack(
        [x[None].expand(height, -1), y[:, None].expand(-1, width)] * 2, dim=-1
    )
    return (places[:, :, None] + base).flatten(0, 2)


def decode(
    anchors: Tensor, deltas: Tensor, means: Sequence[float], stds: Sequence[float]
) -> Tensor:
    """Move and scale anchors by what a head says.

    Args:
        anchors: left, top, right and bottom, (..., 4).
        deltas: of the same shape: moves as shares of the anchor's sides, and logarithms
            of the ratios of sides.
        means: that deltas are normalised by.
        stds: that deltas are normalised by.

    Returns:
        Boxes of the same shape.
    """
    deltas = deltas * deltas.new_tensor(stds) + deltas.new_tensor(means)
    corner, opposite = anchors.split(2, dim=-1)
    side = opposite - corner
    move, log_ratio = deltas.split(2, dim=-1)
    largest = abs(math.log(SMALLEST_RATIO))
    half = side * log_ratio.clamp(-largest, largest).exp() / 2
    centre = (corner + opposite) / 2 + move * side
    return torch.cat([centre - half, centre + half], dim=-1)


def clip(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Clip boxes at the borders of their images.

    Args:
        boxes: (..., 4).
        sizes: height and width of the image of each box, (..., 2), or 1 for N.

    Returns:
        As ``boxes``.
    """
    limits = torch.cat([sizes, sizes], dim=-1).flip(-1).to(boxes.dtype)
    return torch.minimum(boxes.clamp(min=0), limits)


def highest(scores: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Return the highest scores of each image, and where they are.

    Args:
        scores: (B, N).
        most: how many at most.

    Returns:
        Scores and indices, each (B, min(N, most)).
    """
    return scores.topk(torch.sym_min(most, scores.shape[1]), dim=1)


def at(values: Tensor, indices: Tensor) -> Tensor:
    """Take rows of each image: of (B, N, C), by (B, K), to (B, K, C)."""
    return values.gather(1, indices[..., None].expand(-1, -1, values.shape[2]))


def where(condition: Tensor) -> Tensor:
    """Return the indices at which a condition is met, (K,), of (N,).

    Args:
        condition: for each entry.
    """
    return bounded(condition.nonzero()[:, 0])


def bounded(values: Tensor) -> Tensor:
    """Promise that there are not so many entries that sizes overflow.

    Without it, ``torch.export`` writes checks with bounds that ONNX's integers do not
    hold.

    Args:
        values: a tensor whose first dimension is only known when the graph runs.
    """
    torch._check(values.shape[0] <= MOST)
    return values


def suppress(
    boxes: Tensor, scores: Tensor, groups: Tensor, iou: float, side: Tensor
) -> Tensor:
    """Leave out boxes that overlap a better one of their group.

    Args:
        boxes: within [0, side], (N, 4).
        scores: (N,).
        groups: only boxes of one group suppress each other, (N,).
        iou: overlap from which the worse box goes.
        side: the longer side of the images, a number.

    Returns:
        Indices of what stays, the best first.
    """
    from torchvision.ops import nms  # slow to import

    apart = groups.to(boxes.dtype) * (side.to(boxes.dtype) + 1)
    return bounded(nms(boxes + apart[:, None], scores, iou))


def first_of_each(images: Tensor, batch: int, most: int) -> Tensor:
    """Tell which entries are among the first of their image.

    Args:
        images: the image of each entry, (N,).
        batch: number of images.
        most: how many of an image are.

    Returns:
        Whether each is, (N,).
    """
    own = images[:, None] == torch.arange(batch, device=images.device)
    place = own.to(torch.int64).cumsum(0)
    return (place * own).sum(1) <= most
