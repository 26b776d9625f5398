"""Report on classes of pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from numpy.typing import NDArray
from PIL import Image

from ..drawing.samples import Shown
from ..engine.config import evaluators_of
from .classes import labels
from .parts import Findings, Matrix, Pair, Table, number

IGNORED = 255


@dataclass(frozen=True)
class Mapped:
    """Label maps of an image, as PNG files in memory; the truth may be unknown."""

    truth: bytes | None
    predicted: bytes


def take(sample: Any, record: Mapping[str, Any]) -> Mapped:
    """Take truth and prediction out of mmseg's data sample.

    Args:
        sample: with ``pred_sem_seg``, and ``gt_sem_seg`` if it is known.
        record: unused.
    """
    truth = _packed(sample.gt_sem_seg.data) if 'gt_sem_seg' in sample else None
    return Mapped(truth, _packed(sample.pred_sem_seg.data))


def _packed(label_map: torch.Tensor) -> bytes:
    values = label_map.squeeze(0).cpu().numpy().astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, 'PNG', compress_level=1)
    return stream.getvalue()


def _unpacked(content: bytes) -> NDArray[np.int64]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).astype(np.int64)


def confusion(truth: NDArray, predicted: NDArray, count: int, ignored: int) -> NDArray:
    """Count pixels by their true class, in rows, and predicted class, in columns.

    Args:
        truth: label map.
        predicted: label map of the same shape.
        count: number of classes.
        ignored: label of pixels that are not counted.
    """
    kept = (truth != ignored) & (truth < count) & (predicted < count)
    pairs = truth[kept] * count + predicted[kept]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def measure(taken: Sequence[Mapped], names: Sequence[str], cfg: Config) -> Findings:
    """Find out which classes are taken for which.

    Args:
        taken: all images.
        names: of the classes.
        cfg: its evaluator says which label is ignored.
    """
    if any(image.truth is None for image in taken):
        return Findings(
            sentences=[
                'The test pipeline loads no true label maps (LoadAnnotations): '
                'nothing can be compared.'
            ]
        )
    from mmseg.evaluation import IoUMetric

    evaluators = evaluators_of(cfg.get('test_evaluator'))
    ignored = next(
        (e['ignore_index'] for e in evaluators if 'ignore_index' in e), IGNORED
    )
    count = len(names)
    total = np.zeros((count, count), np.int64)
    scores, reasons = [], []
    for image in taken:
        assert image.truth is not None
        truth, predicted = _unpacked(image.truth), _unpacked(image.predicted)
        one = confusion(truth, predicted, count, ignored)
        total += one
        scores.append(_mean_iou(one))
        reasons.append(_reason(one, names, scores[-1]))
    areas = [np.diag(total), None, total.sum(0), total.sum(1)]
    areas[1] = areas[2] + areas[3] - areas[0]
    measured = IoUMetric.total_area_to_metrics(
        *(torch.from_numpy(area).double() for area in areas), ['mIoU', 'mFscore']
    )
    columns = {
        'IoU': 'IoU',
        'Fscore': 'F1',
        'Precision': 'precision',
        'Recall': 'recall',
    }
    rows = [
        [
            name,
            f'{areas[3][i] / max(1, total.sum()):.1%}',
            *(number(100 * float(measured[key][i]), 1) for key in columns),
        ]
        for i, name in enumerate(names)
    ]
    order = np.argsort(np.nan_to_num(scores, nan=2), kind='stable')
    share = np.diag(total).sum() / max(1, total.sum())
    mean = np.nanmean(np.asarray(measured['IoU'], float))
    return Findings(
        sentences=[f'{share:.1%} of the pixels get their class; mean IoU {mean:.1%}.'],
        tables=[
            Table(
                'By class, in percent',
                ['class', 'share of pixels', *columns.values()],
                rows,
            )
        ],
        measure='IoU',
        matrix=Matrix(labels(names, count), total, 'pixels'),
        order=order.tolist(),
        reasons=reasons,
    )


def _mean_iou(matrix: NDArray) -> float:
    """Mean over the classes that are in the truth or predicted."""
    same = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - same
    return float((same[union > 0] / union[union > 0]).mean()) if union.any() else np.nan


def _reason(matrix: NDArray, names: Sequence[str], score: float) -> str:
    if np.isnan(score):
        return 'all pixels are ignored'
    wrong = matrix - np.diag(np.diag(matrix))
    if not wrong.any():
        return 'every pixel is right'
    truth, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    share = wrong.max() / matrix.sum()
    return (
        f'IoU {score:.2f}; {share:.1%} of the pixels are {names[truth]}, taken for '
        f'{names[predicted]}'
    )


def pair(taken: Mapped, names: Sequence[str], threshold: float) -> Pair:
    """Return both label maps.

    Args:
        taken: of one image.
        names: unused.
        threshold: unused.
    """
    return Pair(
        None if taken.truth is None else Shown(label_map=_unpacked(taken.truth)),
        Shown(label_map=_unpacked(taken.predicted)),
    )
