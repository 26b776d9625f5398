"""Evaluate COCO's metrics with the faster of two equal evaluators."""

from __future__ import annotations

from importlib.util import find_spec

from mmengine.config import Config
from mmengine.registry import METRICS, init_default_scope

from .config import evaluators_of, type_of


def use_faster_coco(cfg: Config, *phases: str) -> bool:
    """Replace mmdet's ``CocoMetric`` by its ``FasterCocoMetric``, which gives the same.

    That needs the package faster-coco-eval, and a version of mmdet that has the metric.
    Evaluators without ``ann_file`` stay: the two read the truth of data samples
    differently.

    Args:
        cfg: from :func:`load_config`; changed in place.
        phases: any of 'val' and 'test'.

    Returns:
        Whether any was replaced.
    """
    if cfg.get('default_scope') != 'mmdet' or find_spec('faster_coco_eval') is None:
        return False
    init_default_scope('mmdet')
    with METRICS.switch_scope_and_registry(None) as registry:
        if registry.get('FasterCocoMetric') is None:
            return False
    replaced = False
    for phase in phases:
        for node in evaluators_of(cfg.get(f'{phase}_evaluator')):
            parallel = node.get('use_mp_eval') or node.get('format_only')
            if type_of(node) == 'CocoMetric' and node.get('ann_file') and not parallel:
                node.type = 'FasterCocoMetric'
                replaced = True
    return replaced
