"""What a model says about an image, whatever its task, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drawing.paint import Mask, Shown


def of_sample(sample: Any) -> Shown:
    """Take the predictions out of a data sample of any library.

    Masks are cut to their boxes: a whole one of 6000 x 4000 pixels has 24 MB.

    Args:
        sample: of mmdet, mmseg or mmpretrain, with predictions.
    """
    if 'pred_instances' in sample:
        found = sample.pred_instances
        masks = found.get('masks')
        return Shown(
            labels=_array(found.labels).astype(int),
            scores=_array(found.scores).astype(float),
            boxes=_array(found.bboxes).astype(float).reshape(-1, 4),
            masks=None if masks is None else [cut(_array(mask)) for mask in masks],
        )
    if 'pred_sem_seg' in sample:
        return Shown(label_map=_array(sample.pred_sem_seg.data)[0].astype(np.int32))
    if 'pred_score' in sample:
        return Shown(class_scores=_array(sample.pred_score).astype(float))
    raise TypeError(
        f'{type(sample).__name__} has no predictions of boxes, label maps or classes'
    )


def _array(values: Any) -> NDArray:
    if hasattr(values, 'detach'):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values
    return np.asarray(values)


def cut(mask: NDArray) -> Mask:
    """Cut a mask to its pixels.

    Args:
        mask: shape H, W; what is not 0 belongs to the object.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return Mask(0, 0, np.zeros((0, 0), bool))
    top, bottom = rows[0], rows[-1] + 1
    left, right = columns[0], columns[-1] + 1
    return Mask(int(left), int(top), mask[top:bottom, left:right].astype(bool))


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
