"""Measure label maps and classifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .objects import Curve, curve


class Labels(NamedTuple):
    """What held-out data says of a segmentor or a classifier.

    Attributes:
        stats: metrics over all classes, by name.
        classes: rows of the table, one for each class.
        confusion: rows are truth, columns predictions; pixels or images.
        errors: for each image how wrong it is, larger is worse, and in words.
        curves: of a classifier, each class against the others; else empty.
    """

    stats: dict[str, float]
    classes: list[dict[str, Any]]
    confusion: NDArray
    errors: list[tuple[float, str]]
    curves: dict[str, Curve]


def measure_maps(
    truth: Sequence[NDArray],
    found: Sequence[NDArray],
    classes: Sequence[str],
) -> Labels:
    """Measure predicted label maps; values that are no class are ignored.

    Args:
        truth: label maps.
        found: predicted label maps of equal shapes.
        classes: names of the classes.
    """
    count = len(classes)
    total = np.zeros((count, count), np.int64)
    errors = []
    for own, predicted in zip(truth, found):
        known = own < count
        pairs = own[known].astype(np.int64) * count + predicted[known]
        matrix = np.bincount(pairs, minlength=count**2).reshape(count, count)
        total += matrix
        iou = _iou(matrix)
        wrong = 1 - np.trace(matrix) / max(matrix.sum(), 1)
        said = f'{wrong:.1%} of its pixels wrong'
        if np.isfinite(iou).any():
            worst = int(np.nanargmin(iou))
            said += f', lowest IoU {iou[worst]:.2f} ({classes[worst]})'
        errors.append((float(wrong), said))
    iou, rows = _iou(total), []
    for index, name in enumerate(classes):
        rows.append(
            {
                'class': name,
                'pixels': int(total[index].sum()),
                'IoU': _number(iou[index]),
                **_rates(total, index),
            }
        )
    stats = {
        'mIoU': float(np.nanmean(iou)) if np.isfinite(iou).any() else float('nan'),
        'pixel accuracy': float(np.trace(total) / max(total.sum(), 1)),
    }
    return Labels(stats, rows, total, errors, {})


def _iou(matrix: NDArray) -> NDArray:
    right = np.diag(matrix).astype(float)
    union = matrix.sum(0) + matrix.sum(1) - right
    return np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)


def _rates(matrix: NDArray, index: int) -> dict[str, float | None]:
    right, found, own = (
        matrix[index, index],
        matrix[:, index].sum(),
        matrix[index].sum(),
    )
    both = found + own
    return {
        'precision': float(right / found) if found else None,
        'recall': float(right / own) if own else None,
        'F1': float(2 * right / both) if both else None,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def measure_classes(
    truth: Sequence[int], scores: NDArray, classes: Sequence[str]
) -> Labels:
    """Measure a classifier.

    Args:
        truth: number of the class of each image.
        scores: shape images, classes.
        classes: names of the classes.
    """
    from mmpretrain.evaluation import ConfusionMatrix

    labels = np.asarray(truth)
    count = len(classes)
    matrix = ConfusionMatrix.calculate(scores, labels, num_classes=count).numpy()
    predicted = scores.argmax(1)
    errors, curves = [], {}
    for own, guess, row in zip(labels, predicted, scores):
        if own == guess:
            errors.append((float(row[own]) * -1, f'right, score {row[own]:.2f}'))
        else:
            said = f'{classes[own]} taken for {classes[guess]}, score {row[guess]:.2f}'
            errors.append((float(row[guess]), said))
    rows = []
    for index, name in enumerate(classes):
        own = labels == index
        curves[name] = curve([*scores[:, index]], [*own], int(own.sum()))
        rows.append({'class': name, 'images': int(own.sum()), **_rates(matrix, index)})
    f1 = [rate for i in range(count) if (rate := _rates(matrix, i)['F1']) is not None]
    stats = {
        'top-1 accuracy': float((labels == predicted).mean()),
        'mean F1': float(np.mean(f1)) if f1 else float('nan'),
    }
    return Labels(stats, rows, matrix.astype(np.int64), errors, curves)
