"""Match predicted objects with annotated ones, as COCO's evaluation does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

IOU = 0.5
MOST = (100, 300, 1000)
"""Predictions per image that count, the numbers of mmdet's CocoMetric."""


@dataclass(frozen=True)
class Detected:
    """Objects of an image, annotated and predicted.

    Boxes are left, top, right, bottom in pixels of the image. Outlines are COCO's:
    polygons or run lengths; None if there are only boxes.
    """

    size: tuple[int, int]
    labels: NDArray
    boxes: NDArray
    crowd: NDArray
    outlines: Sequence[Any] | None
    found_labels: NDArray
    found_boxes: NDArray
    found_scores: NDArray
    found_outlines: Sequence[Any] | None


class Truths:
    """Annotated and predicted objects of all images, in COCO's format.

    Masks are compared if all annotations and predictions have them, else boxes.

    Attributes:
        kind: what is compared.
        classes: number of the classes.
    """

    def __init__(self, images: Sequence[Detected], names: Sequence[str]) -> None:
        self.images = images
        self.classes = len(names)
        has_masks = all(
            image.outlines is not None and image.found_outlines is not None
            for image in images
        )
        self.kind: Literal['segm', 'bbox'] = 'segm' if has_masks else 'bbox'
        self.place: dict[int, tuple[int, int]] = {}  # image and index, by id
        annotations: list[dict[str, Any]] = []
        self.predictions: list[dict[str, Any]] = []
        for number, image in enumerate(images):
            for index, box in enumerate(image.boxes):
                self.place[len(annotations) + 1] = number, index
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        iscrowd=int(image.crowd[index]),
                        **self._object(number, image.labels[index], box),
                        **self._outline(image.outlines, index),
                    )
                )
            for index, box in enumerate(image.found_boxes):
                self.predictions.append(
                    dict(
                        score=float(image.found_scores[index]),
                        **self._object(number, image.found_labels[index], box),
                        **self._outline(image.found_outlines, index),
                    )
                )
        self.dataset = dict(
            images=[
                dict(id=number + 1, height=image.size[0], width=image.size[1])
                for number, image in enumerate(images)
            ],
            annotations=annotations,
            categories=[dict(id=i + 1, name=str(n)) for i, n in enumerate(names)],
        )

    def _object(self, image: int, label: int, box: NDArray) -> dict[str, Any]:
        left, top, right, bottom = map(float, box)
        width, height = max(0.0, right - left), max(0.0, bottom - top)
        return dict(
            image_id=image + 1,
            category_id=int(label) + 1,
            bbox=[left, top, width, height],
            area=width * height,
        )

    def _outline(self, outlines: Sequence[Any] | None, index: int) -> dict[str, Any]:
        if self.kind == 'bbox' or outlines is None:
            return {}
        return {'segmentation': outlines[index]}

    def evaluation(self, threshold: float = 0.0) -> Any:
        """Return faster_coco_eval's evaluation, still to be run.

        Args:
            threshold: least score of a prediction. Defaults to 0.

        Raises:
            InputError: faster_coco_eval is not installed.
        """
        try:
            from faster_coco_eval import COCO, COCOeval_faster
        except ImportError as error:
            raise InputError(
                'report needs faster-coco-eval: pip install "sepvit_mm[report]"'
            ) from error
        truth = COCO(self.dataset, print_function=_nothing)
        kept = [dict(p) for p in self.predictions if p['score'] >= threshold]
        found = truth.loadRes(kept)
        return COCOeval_faster(
            truth, found, self.kind, extra_calc=True, print_function=_nothing
        )


def _nothing(*args: Any) -> None:
    pass


@dataclass(frozen=True)
class Matches:
    """Which predictions are which objects.

    Attributes:
        classes: number of the classes; as a class, the background.
        scores: of each prediction that counts: not those of crowds.
        labels: class of each of them.
        is_right: whether each of them is an object.
        truths: number of annotated objects of each class, without crowds.
        score_of: score of the prediction that is an object, by image and index.
        pairs: classes of each object and its prediction; either may be background.
        image_of: image of each pair.
    """

    classes: int
    scores: NDArray
    labels: NDArray
    is_right: NDArray
    truths: NDArray
    score_of: dict[tuple[int, int], float]
    pairs: list[tuple[int, int]]
    image_of: NDArray

    @property
    def counted_truths(self) -> int:
        """Number of annotated objects."""
        return int(self.truths.sum())

    def of(self, label: int) -> tuple[NDArray, NDArray, int]:
        """Return scores, whether they are right, and the number of objects."""
        own = self.labels == label
        return self.scores[own], self.is_right[own], int(self.truths[label])

    def pairs_of(self, image: int) -> list[tuple[int, int]]:
        """Return the pairs of one image."""
        return [self.pairs[index] for index in np.flatnonzero(self.image_of == image)]


def match(truths: Truths, *, by_class: bool, threshold: float = 0.0) -> Matches:
    """Match predictions with objects that they overlap by half, best scores first.

    Args:
        truths: objects, annotated and predicted.
        by_class: whether classes have to be equal.
        threshold: least score of a prediction. Defaults to 0.
    """
    evaluation = truths.evaluation(threshold)
    evaluation.params.iouThrs = np.array([IOU])
    evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ['all']
    evaluation.params.maxDets = [MOST[-1]]
    evaluation.params.useCats = int(by_class)
    evaluation.evaluate()
    evaluation.accumulate()
    background = truths.classes
    truth, found = evaluation.cocoGt.anns, evaluation.cocoDt.anns
    counts = np.zeros(truths.classes, int)
    rows, pairs, score_of = [], [], {}
    matched = set()
    for one in found.values():
        own = one.get('gt_id')
        if own is not None and truth[own]['iscrowd']:
            continue
        label = one['category_id'] - 1
        rows.append((one['score'], label, own is not None))
        kind = background
        if own is not None:
            matched.add(own)
            score_of[truths.place[own]] = one['score']
            kind = truth[own]['category_id'] - 1
        pairs.append((one['image_id'] - 1, kind, label))
    for identity, one in truth.items():
        if not one['iscrowd']:
            counts[one['category_id'] - 1] += 1
            if identity not in matched:
                pairs.append((one['image_id'] - 1, one['category_id'] - 1, background))
    table = np.array(rows, float).reshape(-1, 3)
    return Matches(
        classes=background,
        scores=table[:, 0],
        labels=table[:, 1].astype(int),
        is_right=table[:, 2].astype(bool),
        truths=counts,
        score_of=score_of,
        pairs=[(a, b) for _, a, b in pairs],
        image_of=np.array([image for image, _, _ in pairs], int),
    )


def average_precision(truths: Truths) -> NDArray:
    """Return AP, AP50 and AP75 of each class; NaN of one without objects.

    Args:
        truths: objects, annotated and predicted.
    """
    evaluation = truths.evaluation()
    evaluation.params.maxDets = list(MOST)
    evaluation.evaluate()
    evaluation.accumulate()
    # IoU, recall, class, area, number of predictions
    precision = evaluation.eval['precision'][:, :, :, 0, -1]
    precision = np.where(precision < 0, np.nan, precision)
    with np.errstate(all='ignore'):
        by_iou = precision.mean(1)
    return np.column_stack([by_iou.mean(0), by_iou[0], by_iou[5]])
