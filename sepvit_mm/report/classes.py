"""Report on classes of whole images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray

from .parts import Findings, Matrix, Pair, Table, counted, number

BEST = 3
"""Classes that are told of each image."""


@dataclass(frozen=True)
class Labelled:
    """An image's classes, usually one, and the score of each class."""

    truth: tuple[int, ...]
    scores: NDArray


def take(sample: Any, record: Mapping[str, Any]) -> Labelled:
    """Take truth and prediction out of mmpretrain's data sample.

    Args:
        sample: with ``gt_label``, if its class is known, and ``pred_score``.
        record: unused.
    """
    truth = sample.gt_label.tolist() if 'gt_label' in sample else ()
    return Labelled(tuple(truth), sample.pred_score.detach().float().cpu().numpy())


def measure(taken: Sequence[Labelled], names: Sequence[str], cfg: Config) -> Findings:
    """Find out which classes are taken for which.

    Args:
        taken: all images.
        names: of the classes; numbers where they are missing.
        cfg: unused.
    """
    if any(len(image.truth) != 1 for image in taken):
        return Findings(
            sentences=[
                'Images have several classes or none: what is taken for what is only '
                'shown for one class per image.'
            ]
        )
    from mmpretrain.evaluation import ConfusionMatrix, SingleLabelMetric

    scores = torch.from_numpy(np.stack([image.scores for image in taken]))
    truth = torch.tensor([image.truth[0] for image in taken])
    count = scores.shape[1]
    names = labels(names, count)
    matrix = ConfusionMatrix.calculate(scores, truth, num_classes=count).numpy()
    precision, recall, f1, support = SingleLabelMetric.calculate(
        scores, truth, thrs=(None,), average=None
    )[0]
    rows = [
        [
            name,
            str(int(support[i])),
            *(number(float(value[i]), 1) for value in (precision, recall, f1)),
        ]
        for i, name in enumerate(names)
    ]
    own = np.array([image.scores[image.truth[0]] for image in taken])
    best = np.array([image.scores.max() for image in taken])
    wrong = own < best
    order = np.lexsort((own, own - best))  # confident mistakes first
    right = len(taken) - int(wrong.sum())
    return Findings(
        sentences=[
            f'{right} of {counted(len(taken), "image")} get their class, '
            f'{right / len(taken):.1%}.'
        ],
        tables=[
            Table(
                'By class, in percent',
                ['class', 'images', 'precision', 'recall', 'F1'],
                rows,
            )
        ],
        measure='F1',
        matrix=Matrix(names, matrix, 'images'),
        order=order.tolist(),
        reasons=[
            _reason(image, names, bool(mistaken))
            for image, mistaken in zip(taken, wrong)
        ],
    )


def labels(names: Sequence[str], count: int) -> list[str]:
    """Name each of so many classes, by its number if it has no name."""
    return [names[i] if i < len(names) else str(i) for i in range(count)]


def _reason(image: Labelled, names: Sequence[str], mistaken: bool) -> str:
    truth, best = image.truth[0], int(image.scores.argmax())
    if not mistaken:
        return f'right: {names[best]} ({image.scores[best]:.2f})'
    return (
        f'{names[truth]} ({image.scores[truth]:.2f}) taken for {names[best]} '
        f'({image.scores[best]:.2f})'
    )


def pair(taken: Labelled, names: Sequence[str], threshold: float) -> Pair:
    """Tell the best classes in words: a picture of one says no more.

    Args:
        taken: of one image.
        names: of the classes.
        threshold: unused.
    """
    if len(taken.truth) == 1 and len(taken.scores) <= 2:
        return Pair(None, None)  # the reason says it all
    names = labels(names, len(taken.scores))
    order = np.argsort(-taken.scores, kind='stable')[:BEST]
    best = ', '.join(f'{names[i]} {taken.scores[i]:.2f}' for i in order)
    truth = ', '.join(names[i] for i in taken.truth) or 'unknown'
    return Pair(None, None, f'Truth: {truth}. Predicted: {best}.')
