"""Report on boxes and masks: which objects are found, at which score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from ..drawing.masks import run_lengths
from ..drawing.samples import Shown, cut, predictions_of
from . import plots
from .curves import Curve, curve
from .matching import Detected, Matches, Truths, average_precision, match
from .parts import Figure, Findings, Matrix, Pair, Table, counted, number

SIDES = (0, 8, 16, 32, 64, 128, 256, 512)
"""Sides of squares, in pixels, that divide objects by size."""
DRAWN = 6
"""Classes with curves of their own, the most frequent ones."""


def take(sample: Any, record: Mapping[str, Any]) -> Detected:
    """Take truth and prediction out of mmdet's data sample.

    Args:
        sample: with ``pred_instances``.
        record: what the dataset knows about the image, with ``instances``.
    """
    height, width = map(int, sample.ori_shape[:2])
    size = height, width
    instances = record.get('instances') or []
    has_outlines = all('mask' in instance for instance in instances)
    shown = predictions_of(sample)
    masks = shown.masks
    return Detected(
        size=size,
        labels=np.array([i['bbox_label'] for i in instances], int),
        boxes=np.array([i['bbox'] for i in instances], float).reshape(-1, 4),
        crowd=np.array([bool(i.get('ignore_flag')) for i in instances], bool),
        outlines=[i['mask'] for i in instances] if has_outlines else None,
        found_labels=shown.labels,
        found_boxes=shown.boxes,
        found_scores=shown.scores,
        found_outlines=None if masks is None else [run_lengths(m, size) for m in masks],
    )


def measure(taken: Sequence[Detected], names: Sequence[str], cfg: Config) -> Findings:
    """Find out which objects are found, missed, and taken for others.

    Args:
        taken: all images.
        names: of the classes.
        cfg: unused.
    """
    truths = Truths(taken, names)
    of_class = match(truths, by_class=True)
    overall = curve(of_class.scores, of_class.is_right, of_class.counted_truths)
    by_class = [
        curve(*of_class.of(label)) if of_class.of(label)[2] else None
        for label in range(len(names))
    ]
    threshold = overall.threshold
    any_class = match(truths, by_class=False, threshold=threshold)
    errors = [_errors(any_class, image) for image in range(len(taken))]
    order = sorted(range(len(taken)), key=lambda i: (-sum(errors[i][1:]), errors[i][0]))
    return Findings(
        sentences=_sentences(overall, of_class, truths),
        tables=[_table(names, by_class, of_class, average_precision(truths))],
        measure='AP',
        figures=[
            *_curves(names, overall, by_class, of_class),
            *_sizes(of_class, taken, threshold),
        ],
        matrix=Matrix([*names, 'background'], _confusion(any_class, names), 'objects'),
        order=order,
        reasons=[_reason(*error) for error in errors],
        threshold=threshold,
    )


def _sentences(overall: Curve, matches: Matches, truths: Truths) -> list[str]:
    if not matches.counted_truths:
        return ['There is no annotated object to compare with.']
    if not len(matches.scores):
        return ['Nothing was predicted above the score threshold of the config.']
    kind = 'masks' if truths.kind == 'segm' else 'boxes'
    return [
        f'F1 is best at a score of {overall.words}: use --score-thr {overall.words} '
        f'for predict. There, {overall.precision:.0%} of the predicted objects are '
        f'right (precision), and {overall.recall:.0%} of the annotated ones are found '
        f'(recall); F1 is {overall.f1:.3f}.',
        f'An object is found if {kind} of its class overlap by half (IoU 0.5).',
    ]


def _table(
    names: Sequence[str],
    by_class: Sequence[Curve | None],
    matches: Matches,
    precisions: NDArray,
) -> Table:
    rows = []
    for label, (name, one) in enumerate(zip(names, by_class)):
        best = (
            [one.words, *(number(v) for v in (one.precision, one.recall, one.f1))]
            if one is not None and one.points
            else ['–'] * 4  # noqa: RUF001
        )
        count = str(matches.of(label)[2])
        rows.append([name, count, *(number(v) for v in precisions[label]), *best])
    headers = ['class', 'objects', 'AP', 'AP50', 'AP75', 'best score threshold']
    return Table('By class', [*headers, 'precision', 'recall', 'F1'], rows)


def _curves(
    names: Sequence[str],
    overall: Curve,
    by_class: Sequence[Curve | None],
    matches: Matches,
) -> list[Figure]:
    if not overall.points:
        return []
    curves = {'all classes': overall}
    frequent = np.argsort([-matches.of(label)[2] for label in range(len(names))])
    for label in frequent[:DRAWN] if len(names) > 1 else ():
        one = by_class[label]
        if one is not None and one.points:
            curves[names[label]] = one
    return [
        plots.lines(
            'Precision and recall',
            {name: [(r, p) for _, p, r, _ in c.points] for name, c in curves.items()},
            x='recall',
            y='precision',
            unit_square=True,
            mark=(overall.recall, overall.precision),
        ),
        plots.lines(
            'F1 by score threshold',
            {name: [(s, f) for s, _, _, f in c.points] for name, c in curves.items()},
            x='score threshold',
            y='F1',
            alt=f'F1 over the score threshold; the best is {overall.f1:.3f} at '
            f'{overall.words}',
            unit_square=True,
            mark=(overall.threshold, overall.f1),
        ),
    ]


def by_size(
    matches: Matches, taken: Sequence[Detected], threshold: float
) -> list[tuple[str, int, int]]:
    """Count objects found and missed by the side of a square of their box's area.

    Args:
        matches: by class.
        taken: all images.
        threshold: least score of a prediction.

    Returns:
        Name of each range of sizes, found and missed objects; from the first range
        with an object to the last.
    """
    counts = np.zeros((len(SIDES), 2), int)
    for image, objects in enumerate(taken):
        extent = np.maximum(objects.boxes[:, 2:] - objects.boxes[:, :2], 0)
        ranges = np.digitize(np.sqrt(extent.prod(1)), SIDES) - 1
        for index in np.flatnonzero(~objects.crowd):
            is_found = matches.score_of.get((image, int(index)), -1.0) >= threshold
            counts[ranges[index], 0 if is_found else 1] += 1
    used = np.flatnonzero(counts.sum(1))
    if not used.size:
        return []
    # hyphens, which every font has
    ends = [f'-{side}' for side in SIDES[1:]] + [' or more']
    return [
        (f'{SIDES[i]}{ends[i]}', int(counts[i, 0]), int(counts[i, 1]))
        for i in range(used[0], used[-1] + 1)
    ]


def _sizes(
    matches: Matches, taken: Sequence[Detected], threshold: float
) -> list[Figure]:
    rows = by_size(matches, taken, threshold)
    if not rows:
        return []
    names, found, missed = zip(*rows)
    parts = {'found': found, 'missed': missed}
    x = 'side of a square of the same area as the box, in pixels'
    return [plots.stacked('Objects found and missed by size', names, parts, x=x)]


def _confusion(matches: Matches, names: Sequence[str]) -> NDArray:
    counts = np.zeros((len(names) + 1, len(names) + 1), int)
    for truth, predicted in matches.pairs:
        counts[truth, predicted] += 1
    return counts


def _errors(matches: Matches, image: int) -> tuple[int, int, int, int]:
    """Count objects that are right, missed, false and of a wrong class."""
    background = matches.classes
    pairs = matches.pairs_of(image)
    missed = sum(predicted == background for _, predicted in pairs)
    false = sum(truth == background for truth, _ in pairs)
    right = sum(truth == predicted for truth, predicted in pairs)
    return right, missed, false, len(pairs) - right - missed - false


def _reason(right: int, missed: int, false: int, wrong: int) -> str:
    parts = [
        f'missed {missed}' if missed else '',
        f'{false} false' if false else '',
        f'{wrong} of a wrong class' if wrong else '',
        f'{right} right' if right else '',
    ]
    return ', '.join(filter(None, parts)) or 'nothing to find, nothing found'


def pair(taken: Detected, names: Sequence[str], threshold: float) -> Pair:
    """Return annotated and predicted objects as they are drawn.

    Args:
        taken: of one image.
        names: unused.
        threshold: least score of an object, to count them.
    """
    has_masks = taken.found_outlines is not None  # else masks would hide boxes
    truth = Shown(
        labels=taken.labels,
        scores=np.ones(len(taken.labels)),
        is_truth=True,
        boxes=taken.boxes,
        masks=_masks(taken.outlines, taken.size) if has_masks else None,
    )
    predicted = Shown(
        labels=taken.found_labels,
        scores=taken.found_scores,
        boxes=taken.found_boxes,
        masks=_masks(taken.found_outlines, taken.size),
    )
    drawn = int((taken.found_scores >= threshold).sum())
    annotated = counted(len(taken.labels), 'object')
    return Pair(truth, predicted, f'{annotated}, {drawn} predicted')


def _masks(outlines: Sequence[Any] | None, size: tuple[int, int]) -> list | None:
    if outlines is None:
        return None
    return [cut(coco_mask.decode(run_lengths_of(one, size))) for one in outlines]


def run_lengths_of(outline: Any, size: tuple[int, int]) -> Any:
    """Encode an outline of any of COCO's kinds as compressed run lengths."""
    if isinstance(outline, list):
        return coco_mask.merge(coco_mask.frPyObjects(outline, *size))
    if isinstance(outline['counts'], list):
        return coco_mask.frPyObjects(outline, *size)
    return outline
