"""What is known of an image, predicted or annotated, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Mask(NamedTuple):
    """Pixels of an object, cut to their smallest rectangle."""

    left: int
    top: int
    pixels: NDArray[np.bool_]


@dataclass(frozen=True)
class Shown:
    """What is known of an image, predicted or annotated.

    Attributes:
        labels: number of each object's class, shape N.
        scores: of each object, shape N.
        boxes: left, top, right, bottom of each object in pixels, shape N, 4.
        masks: of each object. Defaults to None: only boxes.
        label_map: number of each pixel's class, shape H, W. Defaults to None.
        class_scores: score of each class of the whole image. Defaults to None.
        is_truth: whether people said so; scores are then not written. Defaults to
            False: a model did.
    """

    labels: NDArray = field(default_factory=lambda: np.zeros(0, int))
    scores: NDArray = field(default_factory=lambda: np.zeros(0))
    boxes: NDArray = field(default_factory=lambda: np.zeros((0, 4)))
    masks: Sequence[Mask] | None = None
    label_map: NDArray | None = None
    class_scores: NDArray | None = None
    is_truth: bool = False


def predictions_of(sample: Any) -> Shown:
    """Take the predictions out of a data sample of any library.

    Masks are cut to their boxes: a whole one of 6000 x 4000 pixels has 24 MB.

    Args:
        sample: of mmdet, mmseg or mmpretrain, with predictions.

    Raises:
        TypeError: there are no predictions of boxes, label maps or classes.
    """
    if 'pred_instances' in sample:
        found = sample.pred_instances
        return _objects(found, _array(found.scores).astype(float))
    if 'pred_sem_seg' in sample:
        return Shown(label_map=_label_map(sample.pred_sem_seg))
    if 'pred_score' in sample:
        return Shown(class_scores=_array(sample.pred_score).astype(float))
    raise TypeError(
        f'{type(sample).__name__} has no predictions of boxes, label maps or classes'
    )


def truth_of(sample: Any, count: int) -> Shown | None:
    """Take the annotations out of a data sample of any library.

    Args:
        sample: of mmdet, mmseg or mmpretrain.
        count: of classes.

    Returns:
        What people said of the image; None if the sample has no annotations.
    """
    if 'gt_instances' in sample and 'labels' in sample.gt_instances:
        found = sample.gt_instances
        return _objects(found, np.ones(len(found.labels)), is_truth=True)
    if 'gt_sem_seg' in sample:
        return Shown(label_map=_label_map(sample.gt_sem_seg), is_truth=True)
    if 'gt_label' in sample:
        labels = _array(sample.gt_label).ravel()
        scores = np.isin(np.arange(max(count, labels.max(initial=-1) + 1)), labels)
        return Shown(class_scores=scores.astype(float), is_truth=True)
    return None


def _objects(found: Any, scores: NDArray, *, is_truth: bool = False) -> Shown:
    boxes = getattr(found.bboxes, 'tensor', found.bboxes)  # of mmdet's box types
    masks = found.get('masks')
    if hasattr(masks, 'to_ndarray'):  # mmdet's bitmaps and polygons
        masks = masks.to_ndarray()
    return Shown(
        labels=_array(found.labels).astype(int),
        scores=scores,
        boxes=_array(boxes).astype(float).reshape(-1, 4),
        masks=None if masks is None else [cut(_array(mask)) for mask in masks],
        is_truth=is_truth,
    )


def _label_map(pixels: Any) -> NDArray:
    return _array(pixels.data)[0].astype(np.int32)


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
