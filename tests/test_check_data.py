"""`sepvit-mm check --on-data` looks at the data of all three dataloaders."""

import json
import os
import re
from pathlib import Path

import noise
import pytest
from mmengine.logging import MMLogger
from PIL import Image

from sepvit_mm.check import Report, check
from sepvit_mm.cli.main import main
from sepvit_mm.engine import load_config


@pytest.fixture(scope='module')
def boxes(tmp_path_factory) -> Path:
    return noise.write_coco(tmp_path_factory.mktemp('boxes'))


@pytest.fixture(scope='module')
def masks(tmp_path_factory) -> Path:
    return noise.write_masks(tmp_path_factory.mktemp('masks'))


def detector(tmp_path: Path, root: Path, more: str = '', **options) -> Report:
    path = noise.detector_config(tmp_path / 'config.py', root, more, **options)
    return check(load_config(path), on_data=True)


def segmentor(tmp_path: Path, root: Path, more: str = '', *, on_data=True) -> Report:
    path = noise.segmentor_config(tmp_path / 'config.py', root, more)
    return check(load_config(path), on_data=on_data)


def found(report: Report) -> dict[str, str]:
    assert report.unusable is None
    return dict(report.findings)


@pytest.mark.parametrize('with_masks', [False, True])
def test_good_detectors_pass(with_masks, tmp_path, boxes):
    report = detector(tmp_path, boxes, masks=with_masks)
    assert found(report) == {}
    assert report.loss > 0


def test_good_segmentors_pass(tmp_path, masks):
    report = segmentor(tmp_path, masks)
    assert found(report) == {}
    assert report.loss > 0


@pytest.mark.parametrize('kind', ['val', 'test'])
def test_an_empty_dataset_is_named_with_its_dataloader(kind, tmp_path, boxes):
    empty = 'dict(filter_empty_gt=True, min_size=999)'
    more = f"""
loader = {kind}_dataloader
loader['dataset'] = dict(**dataset, test_mode=False, filter_cfg={empty})
"""
    report = detector(tmp_path, boxes, more)
    assert report.unusable.startswith(
        f'{kind}_dataloader.dataset (CocoDataset) has no images'
    )


def test_a_name_that_is_in_the_files_without_its_comma_is_found(tmp_path):
    root = noise.write_coco(tmp_path / 'data', classes=('car', 'cargo'))
    more = "dataset['metainfo'] = dict(classes=('cargo'))\n"
    more += "model['bbox_head']['num_classes'] = 1"
    report = detector(tmp_path, root, more)
    messages = dict(report.findings)
    assert "is 'cargo', a string and no file of names" in messages['lists']


def test_what_only_fails_in_an_evaluation_is_found(tmp_path, boxes, masks):
    more = """
model['test_cfg'] = dict(score_thr=0.9)
val_evaluator['metric_items'] = ['mAP_of_boxes']
"""
    assert re.search(
        '^val_evaluator: KeyError: .*mAP_of_boxes',
        found(detector(tmp_path, boxes, more))['evaluation'],
    )
    more = "test_evaluator = dict(iou_metrics=['mIOU'])"
    assert re.search(
        '^test_evaluator: KeyError: .*mIOU',
        found(segmentor(tmp_path, masks, more))['evaluation'],
    )
    more = "val_evaluator = dict(ann_file=f'{data_root}/annotations/none.json')"
    assert re.search(
        r'none.json \(val_evaluator\): cannot be read: No such file',
        found(detector(tmp_path, boxes, more))['annotations'],
    )


def test_an_evaluation_writes_nothing(tmp_path, boxes, monkeypatch, capsys):
    empty = tmp_path / 'empty'
    empty.mkdir()
    monkeypatch.chdir(empty)
    more = "val_evaluator['outfile_prefix'] = 'results'"
    path = noise.detector_config(tmp_path / 'config.py', boxes, more)
    MMLogger.get_instance('of an earlier run').info('it has spoken')
    capsys.readouterr()
    assert main(['check', str(path), '--on-data']) == 0
    assert os.listdir(empty) == []
    printed = capsys.readouterr()
    assert printed.err == ''
    assert re.fullmatch(
        r'┏[^a-z]*config[^a-z]*loss[^a-z]*findings.*none.*┘\n', printed.out, re.DOTALL
    )
    assert 'index' not in printed.out  # as pycocotools prints


def test_a_batch_of_one_image_is_too_small_for_batch_norm(tmp_path, masks):
    more = "train_dataloader['batch_size'] = 1\nauto_scale_lr = dict(_delete_=True)"
    for on_data in (False, True):
        report = segmentor(tmp_path, masks, more, on_data=on_data)
        assert 'a single value per channel' in found(report)['BatchNorm']
        assert report.loss is None
    # but not if other GPUs have more images
    syncs = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
heads = dict(norm_cfg=norm_cfg)
model = dict(decode_head=heads, auxiliary_head=heads)
auto_scale_lr = dict(base_batch_size=8)
"""
    for on_data in (False, True):
        report = segmentor(
            tmp_path, masks, more.split('\n')[0] + syncs, on_data=on_data
        )
        assert found(report) == {}


def test_a_single_image_of_noise_has_several_pixels_at_every_level(tmp_path):
    more = """
norm = dict(_delete_=True, type='BN')  # also at the last level, of stride 128
model['bbox_head'].update(
    norm_cfg=norm, anchor_generator=dict(strides=[4, 8, 16, 32, 64, 128])
)
model['neck'] = dict(num_outs=6)
train_dataloader['batch_size'] = 1
auto_scale_lr = dict(_delete_=True)
"""
    path = noise.detector_config(tmp_path / 'config.py', tmp_path / 'data', more)
    report = check(load_config(path))
    assert found(report) == {}


def test_a_last_batch_of_one_image_is_too_small_for_batch_norm(tmp_path, masks):
    more = """
train_dataloader['batch_size'] = 5
train_dataloader['sampler'] = dict(_delete_=True, type='DefaultSampler', shuffle=True)
auto_scale_lr = dict(base_batch_size=5)
"""
    message = found(segmentor(tmp_path, masks, more))['BatchNorm']
    assert 'the last batch of an epoch has 1 image (6 in batches of 5)' in message
    dropped = "train_dataloader['drop_last'] = True\n"
    assert found(segmentor(tmp_path, masks, more + dropped)) == {}
    endless = "train_dataloader['sampler']['type'] = 'InfiniteSampler'\n"
    assert found(segmentor(tmp_path, masks, more + endless)) == {}
    even = "train_dataloader['batch_size'] = 3\nauto_scale_lr['base_batch_size'] = 3"
    assert found(segmentor(tmp_path, masks, more + even)) == {}


def test_large_batches_are_cut(tmp_path, masks, monkeypatch):
    more = "train_dataloader['batch_size'] = 99\nauto_scale_lr['base_batch_size'] = 99"
    sizes = []
    monkeypatch.setattr(
        'sepvit_mm.check.checks.training_step',
        lambda model, optimizer, batch: sizes.append(len(batch['inputs'])) or 1 / 0,
    )
    segmentor(tmp_path, masks, more)
    segmentor(tmp_path, masks, more, on_data=False)
    assert sizes == [8, 2]


def test_unequal_images_in_a_batch_of_an_evaluation_are_found(tmp_path):
    root = noise.write_coco(tmp_path / 'data')
    more = "val_dataloader['batch_size'] = 4"
    assert found(detector(tmp_path, root, more)) == {}
    last = root / 'images/val/5.png'
    Image.open(last).crop((0, 0, 150, 120)).save(last)
    annotations = root / 'annotations/val.json'
    content = json.loads(annotations.read_text())
    content['images'][5]['width'] = 150
    annotations.write_text(json.dumps(content))
    message = found(detector(tmp_path, root, more))['padding']
    assert 'val_dataloader has batches of 4 images of unequal sizes' in message
    assert 'set val_dataloader.batch_size to 1' in message
    assert found(detector(tmp_path, root)) == {}


@pytest.mark.parametrize(
    'path', sorted(noise.CONFIGS.glob('*.py')), ids=lambda p: p.stem
)
def test_our_evaluations_pad_no_image_to_the_size_of_another(path):
    cfg = load_config(path)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        to_one_size = [
            step
            for step in loader.dataset.pipeline
            if step.type == 'CenterCrop'
            or (step.type == 'Resize' and 'scale' in step and 'keep_ratio' not in step)
        ]
        # the crops of crowns are of one size as they are prepared
        equal = to_one_size or loader.dataset.data_root == 'data/crowns'
        assert loader.batch_size == 1 or equal
