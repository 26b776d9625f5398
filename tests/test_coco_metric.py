"""Both COCO evaluators give the same values, also through mmdet's metric."""

import builtins
import json

import numpy as np
import pytest
import torch
from mmengine.registry import METRICS, init_default_scope

import sepvit_mm  # noqa: F401  registers the metric
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


def test_an_object_with_id_0_is_the_only_difference(noise):
    truth, found = noise
    zero = [{**a, 'id': a['id'] - 1} for a in truth['annotations']]
    assert compare({**truth, 'annotations': zero}, found).differences['stats'] < 0.01


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


def test_without_the_package_pycocotools_evaluates(noise, tmp_path, monkeypatch):
    from sepvit_mm.plugins import coco_metric

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith('faster_coco_eval'):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    coco_metric._faster.cache_clear()
    monkeypatch.setattr(builtins, '__import__', without)
    path, *_ = _written(noise, tmp_path)
    init_default_scope('mmdet')
    metric = METRICS.build(dict(type='FasterCocoMetric', ann_file=str(path)))
    assert type(metric).__name__ == 'CocoMetric'
