"""Compare the two COCO evaluators, pycocotools and faster-coco-eval, on one input.

The input has the size of COCO's val2017: 5000 images, 36781 objects of 80 classes, and
100 detections an image.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from typing import Any, Literal, NamedTuple

import numpy as np

IouType = Literal['bbox', 'segm']
HEIGHT, WIDTH = 480, 640


class Comparison(NamedTuple):
    """What two evaluators say of one input.

    Attributes:
        iou_type: boxes or masks.
        differences: the largest absolute difference of ``stats``, of the array of
            precisions, and of that of recalls, by name.
        seconds: seconds of every run, by evaluator; the runs alternated.
    """

    iou_type: str
    differences: dict[str, float]
    seconds: dict[str, list[float]]


def synthetic(
    images: int = 5000,
    objects: int = 36781,
    classes: int = 80,
    detections: int = 100,
    *,
    masks: bool = False,
    seed: int = 0,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Make ground truth and detections in COCO's format.

    Args:
        images: number of images. Defaults to 5000.
        objects: number of objects; one in 100 is a crowd. Defaults to 36781.
        classes: number of classes. Defaults to 80.
        detections: number in each image: each object moved a little, the others at
            random. Defaults to 100.
        masks: whether they have masks: ellipses as run lengths. Defaults to False.
        seed: of the random numbers. Defaults to 0.

    Returns:
        The content of an annotation file, and of a file of results.
    """
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    owners = rng.integers(1, images + 1, objects)
    labels = rng.integers(1, classes + 1, objects)
    boxes = _boxes(rng, objects)
    for index, (image, label, box) in enumerate(zip(owners, labels, boxes), start=1):
        crowd = int(index % 100 == 0)
        annotations.append(
            dict(id=index, image_id=int(image), category_id=int(label), iscrowd=crowd)
            | _shape(box, masks=masks, with_area=True)
        )
    by_image: dict[int, list[int]] = {}
    for index, image in enumerate(owners):
        by_image.setdefault(int(image), []).append(index)
    for image in range(1, images + 1):
        own = np.asarray(by_image.get(image, [])[:detections], int)
        near = (
            boxes[own] + rng.normal(0, 0.08, (len(own), 4)) * boxes[own][:, [2, 3] * 2]
        )
        near[:, 2:] = np.maximum(near[:, 2:], 1)
        far = _boxes(rng, detections - len(own))
        names = np.r_[labels[own], rng.integers(1, classes + 1, len(far))]
        scores = np.r_[rng.beta(4, 2, len(own)), rng.beta(1, 6, len(far))]
        for label, box, score in zip(names, np.r_[near, far], scores.round(3)):
            found.append(
                dict(image_id=image, category_id=int(label), score=float(score))
                | _shape(box, masks=masks)
            )
    truth = dict(
        images=[dict(id=i, width=WIDTH, height=HEIGHT) for i in range(1, images + 1)],
        categories=[dict(id=i, name=str(i)) for i in range(1, classes + 1)],
        annotations=annotations,
    )
    return truth, found


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """Left, top, width and height; sizes of all three of COCO's ranges."""
    sizes = np.exp(rng.uniform(np.log(8), np.log(300), (count, 2)))
    corners = rng.uniform(0, 1, (count, 2)) * ([WIDTH, HEIGHT] - sizes)
    return np.c_[corners, sizes]


def _shape(box: np.ndarray, *, masks: bool, with_area: bool = False) -> dict[str, Any]:
    shape: dict[str, Any] = dict(bbox=[float(value) for value in box])
    if masks:
        from pycocotools import mask

        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        circle = np.c_[np.cos(angle), np.sin(angle)] / 2 + 0.5
        outline = box[:2] + circle * box[2:]
        shape['segmentation'] = mask.frPyObjects([outline.ravel()], HEIGHT, WIDTH)[0]
    if with_area:
        shape['area'] = float(box[2] * box[3])
    return shape


def evaluators() -> dict[str, tuple[Callable, Callable]]:
    """Return the class of annotations and that of evaluation, by evaluator."""
    from faster_coco_eval import COCO as FasterCOCO
    from faster_coco_eval import COCOeval_faster
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return {
        'pycocotools': (COCO, COCOeval),
        'faster-coco-eval': (FasterCOCO, COCOeval_faster),
    }


def compare(
    truth: dict[str, Any],
    found: list[dict[str, Any]],
    iou_type: IouType = 'bbox',
    *,
    rounds: int = 1,
) -> Comparison:
    """Evaluate with both, in turns.

    Args:
        truth: content of an annotation file; left unchanged.
        found: content of a file of results; left unchanged.
        iou_type: boxes or masks. Defaults to 'bbox'.
        rounds: how often each evaluates. Defaults to 1.
    """
    results: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, (reader, evaluation) in evaluators().items():
            with redirect_stdout(StringIO()):
                api = reader()
                api.dataset = deepcopy(truth)
                predictions = deepcopy(found)
                start = time.perf_counter()
                api.createIndex()
                run = evaluation(api, api.loadRes(predictions), iou_type)
                run.evaluate()
                run.accumulate()
                run.summarize()
                seconds.setdefault(name, []).append(time.perf_counter() - start)
            results[name] = (
                np.asarray(run.stats)[:12],
                run.eval['precision'],
                run.eval['recall'],
            )
            del run, api, predictions
    ours, theirs = results['faster-coco-eval'], results['pycocotools']
    differences = {
        name: float(np.abs(np.asarray(a) - np.asarray(b)).max())
        for name, a, b in zip(('stats', 'precision', 'recall'), ours, theirs)
    }
    return Comparison(iou_type, differences, seconds)
