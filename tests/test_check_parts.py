"""`sepvit-mm check` builds all parts of a run, and says which one is wrong."""

import os
import re
from pathlib import Path

import noise
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer

from sepvit_mm.check import check
from sepvit_mm.check.lists import lists
from sepvit_mm.engine import load_config

ANCHORS = "dict(type='AnchorGenerator', strides=[8, 16, 32, 64, 128], ratios=[1.0], "

# Name of the mistake: what is wrong in a detector's config, and why it is unusable.
UNUSABLE = {
    'evaluator': (
        "val_evaluator = dict(metrics='bbox')",
        "val_evaluator: CocoMetric got an unexpected keyword argument 'metrics'; "
        "did you mean 'metric'?",
    ),
    'metric': (
        "test_evaluator = dict(metric='boxes')",
        "test_evaluator: KeyError: .*'bbox', 'segm', .* but got boxes",
    ),
    'evaluator of no library': (
        "val_evaluator = [dict(type='CocoMetric'), dict(type='Coco')]",
        "val_evaluator.1: 'Coco' is not registered",
    ),
    'hook': (
        "custom_hooks = [dict(type='EMAHook', begin_iter=-1)]",
        'custom_hooks.0: AssertionError: `begin_iter` must larger than or equal to 0',
    ),
    'hook of no library': (
        "default_hooks = dict(visualization=dict(type='Draw'))",
        "default_hooks.visualization: 'Draw' is not registered",
    ),
    'visualizer': (
        "visualizer = dict(vis_backends=[dict(type='Board')])",
        "visualizer.vis_backends.0: 'Board' is not registered",
    ),
    'log processor': (
        'log_processor = dict(windows=10)',
        "log_processor: LogProcessor got an unexpected keyword argument 'windows'",
    ),
    'randomness': (
        'randomness = dict(seeds=1)',
        "randomness: .*unexpected keyword argument 'seeds'",
    ),
    'training loop': (
        'train_cfg = dict(max_iter=3)',
        "train_cfg: IterBasedTrainLoop .*'max_iter'; did you mean 'max_iters'?",
    ),
    'training loop twice': (
        'train_cfg = dict(by_epoch=False)',
        'train_cfg: RuntimeError: Only one of `type` or `by_epoch`',
    ),
    'validation loop': (
        "val_cfg = dict(type='ValLoop', interval=3)",
        "val_cfg: ValLoop got an unexpected keyword argument 'interval'",
    ),
    'dataloader': (
        'val_dataloader = dict(batchsize=3)',
        "val_dataloader: DataLoader got an unexpected keyword argument 'batchsize'",
    ),
    'workers': (
        'train_dataloader = dict(persistent_workers=True)',
        'train_dataloader: ValueError: persistent_workers option needs num_workers > 0',
    ),
    'sampler': (
        'train_dataloader = dict(sampler=dict(shufle=True))',
        "train_dataloader.sampler: InfiniteSampler .*'shufle'; did you mean 'shuffle'?",
    ),
    'batches': (
        "train_dataloader = dict(collate_fn=dict(type='stack'))",
        "train_dataloader.collate_fn: 'stack' is not registered",
    ),
    'dataset': (
        "test_dataloader = dict(dataset=dict(type='CocoData'))",
        "test_dataloader.dataset: 'CocoData' is not registered",
    ),
    'wrapper': (
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', "
        "time=3, dataset=dict(type='CocoDataset')))",
        "train_dataloader.dataset: RepeatDataset .*'time'; did you mean 'times'?",
    ),
    'transform': (
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile'), "
        "dict(type='Resize', scales=3)]))",
        "val_dataloader.dataset.pipeline.1: Resize .*'scales'; did you mean 'scale'?",
    ),
    'part of the model': (
        "model = dict(neck=dict(type='FPM'))",
        "model.neck: 'FPM' is not registered",
    ),
    'argument of the model': (
        'model = dict(neck=dict(num_out=4))',
        "model.neck: FPN got an unexpected keyword argument 'num_out'; "
        "did you mean 'num_outs'?",
    ),
}


def detector(tmp_path: Path, more: str = '') -> Path:
    """A config, beside no data, in whose end the keys of the config may be set."""
    base = noise.detector_config(tmp_path / 'base.py', tmp_path / 'data')
    path = tmp_path / 'config.py'
    path.write_text(f'_base_ = {str(base)!r}\n{more}\n')
    return path


@pytest.mark.parametrize('mistake', UNUSABLE)
def test_an_error_begins_with_the_part_of_the_config(mistake, tmp_path):
    text, message = UNUSABLE[mistake]
    report = check(load_config(detector(tmp_path, text)))
    assert re.match(message, report.unusable), report.unusable
    assert report.findings == []  # so nothing is said twice


# Name of the mistake: what is wrong in a detector's config, which check finds it, and
# what it says.
FOUND = {
    'classes': (
        "classes = dict(metainfo=dict(classes=('cargo'), palette=[(0, 0, 9)]))\n"
        'train_dataloader = dict(dataset=classes)',
        'lists',
        "train_dataloader.dataset.metainfo.classes is 'cargo', a string and no file of "
        "names: .* write \\['cargo'\\], or \\('cargo',\\) with its comma",
    ),
    'one class twice': (
        "classes = dict(metainfo=dict(classes=('a', 'a')))\n"
        'test_dataloader = dict(dataset=classes)',
        'lists',
        "test_dataloader.dataset.metainfo.classes has 'a' twice",
    ),
    'classes of an older release': (
        "val_dataloader = dict(dataset=dict(metainfo=dict(CLASSES=('a', 'b'))))",
        'lists',
        'val_dataloader.dataset.metainfo.CLASSES is not read any more: name it classes',
    ),
    'palette of one colour': (
        'val_dataloader = dict(dataset=dict(metainfo=dict(palette=(220, 20, 60))))',
        'lists',
        r'metainfo.palette is \(220, 20, 60\), a single colour, .*\[\(220, 20, 60\)\]',
    ),
    'palette too short': (
        'val_dataloader = dict(dataset=dict(metainfo=dict(palette=[(220, 20, 60)])))',
        'lists',
        'val_dataloader.dataset.metainfo.palette has 1 colours for 2 classes',
    ),
    'metrics': (
        "val_evaluator = dict(metric_items='mAP')",
        'lists',
        r"val_evaluator.metric_items is 'mAP', but CocoMetric takes a list: write "
        r"\['mAP'\]",
    ),
    'anchors': (
        f'model = dict(bbox_head=dict(anchor_generator={ANCHORS}scales=8)))',
        'lists',
        'model.bbox_head.anchor_generator.scales is 8, but AnchorGenerator takes ',
    ),
    'what a packed sample keeps': (
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='PackDetInputs', "
        "meta_keys='img_id')]))",
        'lists',
        "pipeline.0.meta_keys is 'img_id', but PackDetInputs takes a list",
    ),
    'misspelt argument of a hook that takes any': (
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', intervall=5))",
        'arguments',
        "default_hooks.checkpoint: CheckpointHook .*'intervall'; did you mean "
        "'interval'",
    ),
    'no validation loop': (
        'val_cfg = None',
        'loops',
        'val_cfg must not be missing: mmengine takes val_dataloader, val_cfg, ',
    ),
    'schedule in epochs': (
        "param_scheduler = [dict(type='MultiStepLR', milestones=[1])]",
        'loops',
        r'param_scheduler.0 \(MultiStepLR\) counts epochs, but train_cfg counts '
        'iterations, so it never steps: set by_epoch=False',
    ),
    'checkpoints in epochs': (
        'default_hooks = dict(checkpoint=dict(by_epoch=True))',
        'loops',
        'default_hooks.checkpoint counts epochs, .* nothing before the end',
    ),
}


@pytest.mark.parametrize('mistake', FOUND)
def test_mistake_is_found_and_explained(mistake, tmp_path):
    text, name, message = FOUND[mistake]
    report = check(load_config(detector(tmp_path, text)))
    messages = [f.message for f in report.findings if f.check == name]
    assert len(messages) == 1
    assert re.search(message, messages[0]), messages[0]


@pytest.mark.parametrize(
    'text',
    [
        "val_evaluator = dict(metric='bbox')",
        "val_evaluator = dict(type='VOCMetric', metric='mAP', iou_thrs=0.5)",
        'classes = dict(metainfo=dict(classes=__file__))\n'
        'test_dataloader = dict(dataset=classes)',
        "val_dataloader = dict(dataset=dict(metainfo=dict(palette='random')))",
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='Resize', "
        "scale_factor=2.0), dict(type='RandomCrop', crop_size=(4, 4))]))",
        "model = dict(neck=dict(add_extra_convs='on_input'))",
        # declared as lists, but a name or a number will do
        "val_dataloader = dict(dataset=dict(pipeline=[dict(type='mmpretrain."
        "CleanCaption', keys='text')]))",
        "model = dict(bbox_head=dict(type='YOLOFHead', in_channels=64))",
        "model = dict(bbox_head=dict(loss_cls=dict(type='CrossEntropyLoss', "
        'class_weight=1.0)))',
    ],
    ids=[
        'metric',
        'metric of VOC',
        'file of names',
        'palette',
        'transforms',
        'neck',
        'captions',
        'channels of a single map',
        'weight of all classes',
    ],
)
def test_single_values_are_no_mistake_where_a_class_takes_them(text, tmp_path):
    text = text.replace('__file__', repr(__file__))
    init_default_scope('mmdet')
    assert [*lists(load_config(detector(tmp_path, text)))] == []


def test_same_mistake_of_all_dataloaders_is_told_once(tmp_path):
    text = "names = dict(metainfo=dict(classes=('cargo')))\n" + '\n'.join(
        f'{kind}_dataloader = dict(dataset=names)' for kind in ('train', 'val', 'test')
    )
    init_default_scope('mmdet')
    found = [*lists(load_config(detector(tmp_path, text)))]
    messages = [message for message in found if 'cargo' in message]
    assert len(messages) == 1
    for kind in ('train', 'val', 'test'):
        assert f'{kind}_dataloader.dataset.metainfo.classes' in messages[0]


PARTS = {
    'training': ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'),
    'validation': ('val_dataloader', 'val_cfg', 'val_evaluator'),
    'test': ('test_dataloader', 'test_cfg', 'test_evaluator'),
}


@pytest.mark.parametrize('only', PARTS)
def test_a_config_may_have_only_one_of_training_validation_and_test(only, tmp_path):
    cfg = load_config(detector(tmp_path))
    for key in (key for part in PARTS if part != only for key in PARTS[part]):
        cfg.pop(key)
    report = check(cfg)
    assert (report.findings, report.unusable) == ([], None)
    assert (report.loss is None) == (only != 'training')
    if only != 'training':
        cfg[f'{"val" if only == "validation" else "test"}_evaluator'].metric = 'boxes'
        assert 'but got boxes' in check(cfg).unusable


def test_checking_leaves_nothing_behind(tmp_path, monkeypatch):
    empty = tmp_path / 'empty'
    empty.mkdir()
    monkeypatch.chdir(empty)
    text = f"""
visualizer = dict(name='visualizer')
val_evaluator = dict(format_only=True, outfile_prefix={str(empty / 'results')!r})
test_evaluator = dict(
    _delete_=True, type='DumpDetResults', out_file_path={str(empty / 'all.pkl')!r}
)
"""
    mine = MMLogger.get_instance('mine')
    report = check(load_config(detector(tmp_path, text)))
    assert (report.findings, report.unusable) == ([], None)
    assert os.listdir(empty) == []
    assert MMLogger.get_current_instance() is mine
    assert not Visualizer.check_instance_created('visualizer')
