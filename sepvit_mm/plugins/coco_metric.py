"""COCO's metrics, computed by faster-coco-eval."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest.mock import patch

from mmengine.logging import print_log
from mmengine.registry import METRICS


@METRICS.register_module(name='FasterCocoMetric')
def faster_coco_metric(**options: Any) -> Any:
    """Build mmdet's ``CocoMetric``, with faster-coco-eval in place of pycocotools.

    It gives the same values; ``sepvit_mm.measure.evaluators`` compares the two. Without
    faster-coco-eval it is ``CocoMetric`` itself, and the log says so.

    Args:
        **options: those of ``CocoMetric``.
    """
    from mmdet.evaluation import CocoMetric  # not needed to import this package

    try:
        kind = _faster()
    except ImportError:
        print_log(
            'faster-coco-eval is not installed: evaluating with pycocotools, which is '
            'slower and gives the same values',
            logger='current',
            level=30,
        )
        kind = CocoMetric
    return kind(**options)


@cache
def _faster() -> type:
    from faster_coco_eval import COCO, COCOeval_faster
    from mmdet.evaluation.metrics import coco_metric

    class Evaluation(COCOeval_faster):
        """Lists of thresholds become arrays, as pycocotools lets them be either."""

        def evaluate(self) -> None:
            self.params.iouThrs = list(self.params.iouThrs)
            super().evaluate()

    class Annotations(COCO):
        """Annotations whose names of functions are those of mmdet's class."""

    # mmdet's metric finds both classes by these names in its module
    def with_faster() -> Any:
        return patch.multiple(coco_metric, COCO=Annotations, COCOeval=Evaluation)

    class FasterCocoMetric(coco_metric.CocoMetric):
        """mmdet's ``CocoMetric`` on faster-coco-eval."""

        def __init__(self, **options: Any) -> None:
            with with_faster():
                super().__init__(**options)

        def compute_metrics(self, results: list) -> dict[str, float]:
            """Compute the metrics from the results of all batches."""
            with with_faster():
                return super().compute_metrics(results)

    return FasterCocoMetric
