"""Measure detections: AP, curves, the best threshold, confusion, sizes found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

IOU = 0.5
"""Overlap from which a detection is said to have found an object."""

SIZES = {'small': (0, 32**2), 'medium': (32**2, 96**2), 'large': (96**2, float('inf'))}
"""COCO's sizes, by area in pixels of the image."""


class Curve(NamedTuple):
    """Precision and recall over the score.

    Attributes:
        scores: thresholds, from the highest.
        precision: share of the detections from there that are right.
        recall: share of the objects that they find.
        best: index of the best F1; -1 if there is no detection.
    """

    scores: NDArray
    precision: NDArray
    recall: NDArray
    best: int

    @property
    def f1(self) -> NDArray:
        """Harmonic mean of precision and recall, at every threshold."""
        both = self.precision + self.recall
        product = 2 * self.precision * self.recall
        return np.divide(product, both, out=np.zeros_like(both), where=both > 0)

    @property
    def threshold(self) -> float:
        """Score of the best F1, rounded down so that no such detection is lost."""
        return float(np.floor(self.scores[self.best] * 1e3) / 1e3) if self else 0.0

    @property
    def at(self) -> int:
        """Index of the lowest score that is above this rounded threshold."""
        return int(np.flatnonzero(self.scores >= self.threshold)[-1])

    def __bool__(self) -> bool:
        return self.best >= 0


def curve(scores: Sequence[float], right: Sequence[bool], objects: int) -> Curve:
    """Return precision and recall at every score.

    Args:
        scores: of the detections, in any order.
        right: whether each found an object.
        objects: how many there are to find.
    """
    order = np.argsort(-np.asarray(scores, float), kind='stable')
    values = np.asarray(scores, float)[order]
    hits = np.cumsum(np.asarray(right, bool)[order])
    last = np.r_[values[1:] != values[:-1], True] if len(values) else np.zeros(0, bool)
    count = np.flatnonzero(last) + 1  # equal scores are above or below together
    hits = hits[last] if len(values) else hits
    whole = Curve(values[last], hits / np.maximum(count, 1), hits / max(objects, 1), -1)
    best = int(np.argmax(whole.f1)) if len(count) and objects else -1
    return whole._replace(best=best)


@dataclass
class Detections:
    """What held-out data says of a detector.

    Attributes:
        stats: AP, AP50 and so on, by name.
        classes: rows of the table, one for each class.
        curves: by class; '' is all classes together.
        confusion: rows are truth, columns predictions; the last of both is background.
        sizes: objects found and missed at the best threshold, by size.
        errors: missed and false objects at that threshold, by image id.
    """

    stats: dict[str, float]
    classes: list[dict[str, Any]]
    curves: dict[str, Curve]
    confusion: NDArray
    sizes: dict[str, tuple[int, int]]
    errors: dict[int, tuple[int, int]]


def measure(
    truth: dict[str, Any], found: list[dict[str, Any]], iou_type: str
) -> Detections:
    """Measure detections.

    Args:
        truth: content of a COCO file; ids count from 1. Left unchanged.
        found: results in COCO's format, not empty. Left unchanged.
        iou_type: 'bbox' or 'segm'.

    Raises:
        InputError: faster-coco-eval is not installed.
    """
    names = {entry['id']: entry['name'] for entry in truth['categories']}
    stats, precision = _average_precision(truth, found, iou_type)
    pairs = _matches(truth, found, iou_type, by_class=True)
    crowds = {a['id'] for a in truth['annotations'] if a['iscrowd']}
    objects = [a for a in truth['annotations'] if not a['iscrowd']]
    finder = {gt: dt for dt, gt in pairs.items()}
    # what lies in a crowd is neither right nor wrong
    judged = [d for d in _numbered(found) if pairs.get(d['id']) not in crowds]
    curves, rows = {}, []
    for category, name in [(None, ''), *names.items()]:
        own = [d for d in judged if category in (None, d['category_id'])]
        count = sum(category in (None, a['category_id']) for a in objects)
        line = curve([d['score'] for d in own], [d['id'] in pairs for d in own], count)
        curves[name] = line
        if category is not None:
            ap = precision[:, :, [*names].index(category)]
            rows.append(_row(name, count, ap, line))
    threshold = curves[''].threshold
    kept = [d for d in judged if d['score'] >= threshold]
    good = {d['id'] for d in kept}
    sizes = {}
    for size, (low, high) in SIZES.items():
        hits = [finder.get(a['id']) in good for a in objects if low <= a['area'] < high]
        sizes[size] = (sum(hits), len(hits) - sum(hits))
    errors = {image['id']: (0, 0) for image in truth['images']}
    for a in objects:
        missed, false = errors[a['image_id']]
        errors[a['image_id']] = (missed + (finder.get(a['id']) not in good), false)
    for d in kept:
        missed, false = errors[d['image_id']]
        errors[d['image_id']] = (missed, false + (d['id'] not in pairs))
    strong = [d for d in found if d['score'] >= threshold]
    confusion = _confusion(truth, strong, iou_type, [*names])
    return Detections(stats, rows, curves, confusion, sizes, errors)


def _row(name: str, count: int, precision: NDArray, line: Curve) -> dict[str, Any]:
    def mean(values: NDArray) -> float | None:
        return float(values[values > -1].mean()) if (values > -1).any() else None

    best: dict[str, float] = {}
    if line:
        best = {
            'score threshold': line.threshold,
            'F1': float(line.f1[line.at]),
            'precision': float(line.precision[line.at]),
            'recall': float(line.recall[line.at]),
        }
    ap = {'AP': mean(precision), 'AP50': mean(precision[0])}
    return {'class': name, 'objects': count, **ap, **best}


def _numbered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**entry, 'id': number} for number, entry in enumerate(found, start=1)]


def _evaluation(truth: dict, found: list[dict], iou_type: str, **options: Any) -> Any:
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        raise InputError(
            'faster-coco-eval is not installed: pip install "sepvit_mm[report]"'
        ) from error
    api = COCO()
    api.dataset = deepcopy(truth)
    api.createIndex()
    drop = {'bbox'} if iou_type == 'segm' else set()  # else sizes are those of boxes
    results = [{k: v for k, v in entry.items() if k not in drop} for entry in found]
    return COCOeval_faster(api, api.loadRes(results), iou_type, **options)


def _average_precision(
    truth: dict, found: list[dict], iou_type: str
) -> tuple[dict[str, float], NDArray]:
    with redirect_stdout(StringIO()):
        run = _evaluation(truth, found, iou_type)
        run.evaluate()
        run.accumulate()
        run.summarize()
    names = ('AP', 'AP50', 'AP75', 'AP small', 'AP medium', 'AP large')
    stats = {name: float(v) for name, v in zip(names, run.stats) if v > -1}
    return stats, run.eval['precision'][:, :, :, 0, -1]


def _matches(
    truth: dict, found: list[dict], iou_type: str, *, by_class: bool
) -> dict[int, int]:
    """Return the object that each detection found, by number of the detection.

    The detection of the highest score takes an object first, so what is found above a
    threshold does not depend on what is below it.
    """
    with redirect_stdout(StringIO()):
        run = _evaluation(truth, found, iou_type, extra_calc=True)
        run.params.iouThrs = np.array([IOU])
        run.params.maxDets = [len(found)]
        run.params.areaRng = [[0, 1e10]]
        run.params.areaRngLbl = ['all']
        run.params.useCats = int(by_class)
        run.evaluate()
        run.accumulate()
    pairs = (key.split('_') for key in run.eval['matched'])
    return {int(dt): int(gt) for dt, gt in pairs}


def _confusion(
    truth: dict, found: list[dict], iou_type: str, categories: list[int]
) -> NDArray:
    place = {category: index for index, category in enumerate(categories)}
    none = len(place)
    matrix = np.zeros((none + 1, none + 1), int)
    objects = {a['id']: a for a in truth['annotations']}
    pairs = _matches(truth, found, iou_type, by_class=False) if found else {}
    for number, entry in enumerate(found, start=1):
        match = objects.get(pairs.get(number, 0))
        if match is None or not match['iscrowd']:
            row = none if match is None else place[match['category_id']]
            matrix[row, place[entry['category_id']]] += 1
    taken = {*pairs.values()}
    for number, entry in objects.items():
        if number not in taken and not entry['iscrowd']:
            matrix[place[entry['category_id']], none] += 1
    return matrix
