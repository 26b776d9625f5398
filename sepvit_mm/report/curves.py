"""Precision, recall and F1 over the score threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINTS = 400
"""Most points of a curve; a page needs no more."""


@dataclass(frozen=True)
class Curve:
    """What a threshold on the score leaves.

    Attributes:
        points: score threshold, precision, recall and F1, the highest score first.
        threshold: the score at which F1 is best, the highest if there are several.
        precision: at the threshold.
        recall: at the threshold.
        f1: at the threshold.
    """

    points: Sequence[tuple[float, float, float, float]]
    threshold: float
    precision: float
    recall: float
    f1: float

    @property
    def words(self) -> str:
        """The threshold, rounded down: to three digits, as many as a command needs."""
        if self.threshold <= 0:
            return '0'
        digits = 2 - math.floor(math.log10(self.threshold))
        return f'{math.floor(self.threshold * 10**digits) / 10**digits:.{digits}f}'


def curve(scores: NDArray, is_right: NDArray, truths: int) -> Curve:
    """Follow precision, recall and F1 from the highest score to the lowest.

    Args:
        scores: of all predictions.
        is_right: whether each of them is an object of its class.
        truths: number of objects that there are.
    """
    if not len(scores) or not truths:
        return Curve((), 0.0, 0.0, 0.0, 0.0)
    order = np.argsort(-scores, kind='stable')
    right = np.cumsum(is_right[order])
    # predictions of one score stay or go together
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    score, right, taken = scores[order][last], right[last], last + 1
    precision, recall = right / taken, right / truths
    f1 = 2 * right / (taken + truths)
    best = int(f1.argmax())
    step = max(1, len(last) // POINTS)
    shown = sorted({*range(0, len(last), step), best, len(last) - 1})
    table = np.column_stack([score, precision, recall, f1])
    points = [(s, p, r, f) for s, p, r, f in table[shown].tolist()]
    _, *values = table[best].tolist()
    return Curve(points, float(score[best]), *values)
