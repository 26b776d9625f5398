"""Both COCO evaluators give the same values, also through mmdet's metric."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import METRICS, init_default_scope

from sepvit_mm.engine import evaluators
from sepvit_mm.engine.evaluators import use_faster_coco
from sepvit_mm.measure.evaluators import compare, synthetic


@pytest.fixture(scope='module')
def noise():
    truth, found = synthetic(40, 300, 5, 30, masks=True)
    assert any(entry['iscrowd'] for entry in truth['annotations'])
    for entry in truth['annotations'][::17]:
        entry['ignore'] = 1
    return truth, found


@pytest.mark.parametrize('iou_type', ['bbox', 'segm'])
def test_evaluators_agree_with_crowds_and_ignored_objects(noise, iou_type):
    result = compare(*noise, iou_type)
    assert max(result.differences.values()) < 1e-6, result


def test_evaluators_agree_on_an_object_with_id_0(noise):
    truth, found = noise
    zero = [{**a, 'id': a['id'] - 1} for a in truth['annotations']]
    result = compare({**truth, 'annotations': zero}, found)
    assert max(result.differences.values()) < 1e-6, result


def _metrics(kind: str, path, samples, names, **options) -> dict:
    init_default_scope('mmdet')
    settings = dict(type=kind, ann_file=str(path), classwise=True, **options)
    metric = METRICS.build(settings)
    metric.dataset_meta = {'classes': names}
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def _written(noise, folder):
    """The truth as a file, and the detections as data samples of mmdet."""
    truth, found = noise
    for entry in truth['annotations']:
        mask = entry['segmentation']
        if isinstance(mask['counts'], bytes):
            mask['counts'] = mask['counts'].decode()
    path = folder / 'truth.json'
    path.write_text(json.dumps(truth))
    samples = []
    for image in truth['images']:
        own = [d for d in found if d['image_id'] == image['id']]
        boxes = np.array([d['bbox'] for d in own])
        boxes[:, 2:] += boxes[:, :2]
        predicted = dict(
            bboxes=torch.tensor(boxes),
            scores=torch.tensor([d['score'] for d in own]),
            labels=torch.tensor([d['category_id'] - 1 for d in own]),
            masks=[d['segmentation'] for d in own],
        )
        sample = dict(img_id=image['id'], ori_shape=(480, 640))
        samples.append({**sample, 'pred_instances': predicted})
    return path, samples, tuple(entry['name'] for entry in truth['categories'])


@pytest.mark.parametrize('metric', [['bbox', 'segm'], ['proposal']], ids=str)
def test_the_metric_gives_what_that_of_mmdet_gives(noise, tmp_path, metric):
    path, samples, names = _written(noise, tmp_path)
    results = [
        _metrics(kind, path, samples, names, metric=metric)
        for kind in ('FasterCocoMetric', 'CocoMetric')
    ]
    assert len(results[0]) >= 6
    assert results[0] == pytest.approx(results[1], abs=1e-6, nan_ok=True)


def test_no_detection_at_all_gives_no_metrics(noise, tmp_path):
    path, samples, names = _written(noise, tmp_path)
    for sample in samples:
        kept = {key: value[:0] for key, value in sample['pred_instances'].items()}
        sample['pred_instances'] = kept
    for kind in ('FasterCocoMetric', 'CocoMetric'):
        assert _metrics(kind, path, samples, names, metric='bbox') == {}


def _config(**evaluator):
    settings = dict(type='CocoMetric', ann_file='a.json', metric='bbox') | evaluator
    return Config(dict(default_scope='mmdet', val_evaluator=[settings]))


def test_runs_use_the_faster_evaluator():
    cfg = _config()
    assert use_faster_coco(cfg, 'val', 'test')
    assert cfg.val_evaluator[0].type == 'FasterCocoMetric'


@pytest.mark.parametrize(
    'change', [dict(ann_file=None), dict(type='VOCMetric'), dict(format_only=True)]
)
def test_what_differs_stays(change):
    cfg = _config(**change)
    before = cfg.val_evaluator[0].type
    assert not use_faster_coco(cfg, 'val')
    assert cfg.val_evaluator[0].type == before


def test_without_the_package_pycocotools_evaluates(monkeypatch):
    monkeypatch.setattr(evaluators, 'find_spec', lambda name: None)
    cfg = _config()
    assert not use_faster_coco(cfg, 'val')
    assert cfg.val_evaluator[0].type == 'CocoMetric'
