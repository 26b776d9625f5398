"""A project is whole: files, config, training, errors."""

from __future__ import annotations

import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from annotated import CPU, TASKS, classified, noisy
from noise import (
    CONFIGS,
    write_coco,
)
from PIL import Image
from torch import nn

from sepvit_mm import engine
from sepvit_mm.cli.main import main
from sepvit_mm.errors import InputError
from sepvit_mm.projects import new, project, timing, weights
from sepvit_mm.projects.files import write_annotations
from sepvit_mm.projects.machine import Machine
from sepvit_mm.projects.splits import split
from sepvit_mm.projects.status import StepStatus, status
from sepvit_mm.projects.timing import Pace
from sepvit_mm.zoo import manifest


@pytest.mark.parametrize('task', ['detection', 'instance', 'semantic'])
def test_a_project_trains_and_is_evaluated_by_class(task, tmp_path, monkeypatch):
    done = make(tmp_path, task)
    assert done.report.unusable is None
    assert done.report.findings == []
    metrics = train_and_test(done)
    if task == 'semantic':
        assert 0 < metrics['mIoU'] <= 100
    else:
        kind = 'bbox' if task == 'detection' else 'segm'
        assert {f'coco/{kind}_mAP', 'coco/cat_precision'} <= {*metrics}


@pytest.mark.parametrize('task', TASKS)
def test_a_resnet_is_there_to_compare_with(task, tmp_path):
    done = make(tmp_path, task, backbone='resnet-18')
    assert done.report.findings == []
    model = engine.build_model(engine.load_config(done.config)).train()
    norms = [m for m in model.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and all(norm.training for norm in norms)  # mmdet would freeze them
    assert train_and_test(done)
    with pytest.raises(InputError, match='resnet-18 is for comparison, and starts'):
        make(tmp_path / 'b', task, backbone='resnet-18', weights=done.config)


def test_a_classifier_is_evaluated_by_class(tmp_path):
    done = make(tmp_path, 'classification')
    assert done.report.findings == []
    metrics = train_and_test(done)
    assert 0 <= metrics['accuracy/top1'] <= 100
    assert len(metrics['single-label/precision_classwise']) == 2


def make(root: Path, kind: str, **options):
    """Make a project of noise."""
    options = dict(task=kind, out=root / 'a project', backbone='sepvit-lite') | options
    return new(noisy(root / 'data set', kind), **options)


def train_and_test(done) -> dict:
    """Train two steps of a project in this process, and evaluate the checkpoint."""
    loaders = ('train_dataloader', 'val_dataloader', 'test_dataloader')
    overrides = {f'{name}.num_workers': 0 for name in loaders}
    overrides |= {f'{name}.persistent_workers': False for name in loaders}
    overrides |= {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2}
    overrides |= {'default_hooks.checkpoint.interval': 2}
    overrides |= {'train_dataloader.batch_size': 2}
    cfg = engine.load_config(done.config, overrides=overrides)
    engine.train(cfg, seed=0)
    assert [*(done.folder / 'run').glob('best_*.pth')]
    return engine.evaluate(cfg, done.folder / 'run')


def test_a_config_runs_from_where_the_package_is_installed(tmp_path, monkeypatch):
    site = tmp_path / 'site packages/.mim/configs'
    shutil.copytree(CONFIGS, site)
    monkeypatch.setattr(manifest, 'FOLDERS', (site, CONFIGS))
    done = make(tmp_path, 'classification')
    assert f"_base_ = '{site}/_base_/own/linear.py'" in done.config.read_text()
    moved = site.rename(tmp_path / 'moved')
    with pytest.raises(InputError, match=f'cannot read config .*{site}'):
        engine.load_config(done.config)
    done.config.write_text(done.config.read_text().replace(str(site), str(moved)))
    assert engine.load_config(done.config).model.head.num_classes == 2


def test_images_in_subfolders_keep_their_paths_in_lists_and_masks(tmp_path):
    samples = noisy(tmp_path, 'semantic')
    first, second = samples.samples[:2]
    for folder, sample in (('a', first), ('b', second)):
        (tmp_path / 'in' / folder).mkdir(parents=True)
        shutil.copy(sample.image, tmp_path / 'in' / folder / 'x.png')
    pair = tuple(
        replace(sample, image=tmp_path / 'in' / folder / 'x.png')
        for folder, sample in (('a', first), ('b', second))
    )
    write_annotations(replace(samples, samples=pair), dict(train=[0, 1]), tmp_path)
    assert (tmp_path / 'annotations/train.txt').read_text() == 'a/x.png\nb/x.png\n'
    masks = [tmp_path / f'masks/{folder}/x.png.png' for folder in 'ab']
    for mask, sample in zip(masks, pair):
        with Image.open(mask) as ours, Image.open(sample.mask) as theirs:
            assert (np.asarray(ours) == np.asarray(theirs)).all()


def test_an_interrupted_project_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(project, 'contact_sheet', interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, 'semantic')
    assert [path.name for path in tmp_path.iterdir()] == ['data set']


def test_a_project_may_be_written_into_an_empty_folder(tmp_path):
    (tmp_path / 'a project').mkdir()
    assert make(tmp_path, 'classification').config.is_file()


def test_the_users_test_set_is_what_is_tested(tmp_path):
    samples = noisy(tmp_path, 'detection')
    samples = replace(
        samples,
        samples=tuple(
            replace(sample, split='test' if index < 2 else None)
            for index, sample in enumerate(samples.samples)
        ),
    )
    done = new(samples, 'detection', tmp_path / 'out', backbone='sepvit-lite')
    cfg = engine.load_config(done.config)
    for part in (cfg.test_dataloader.dataset, cfg.test_evaluator):
        path = Path(cfg.data_root) / part.ann_file
        assert path == tmp_path / 'out/annotations/test.json'
    images = json.loads(path.read_text())['images']
    assert sorted(Path(image['file_name']).name for image in images) == [
        '0.png',
        '1.png',
    ]
    assert 'test' not in cfg.val_dataloader.dataset.ann_file


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(backbone='resnet'), 'backbone is resnet, .* sepvit-lite, sepvit-t, .*'),
        (dict(method='upernet'), 'upernet is for semantic; for detection, .*atss'),
        (dict(method='yolo'), 'yolo is not known; for detection, .*atss'),
        (dict(val=0.0), 'val is 0, but must be a share between 0 and 1, or a folder'),
        (dict(val=1.5), 'val is 1.5, but'),
        (dict(task='instance'), 'task is instance, but .* read for detection'),
        (dict(minutes=0), 'minutes is 0, but must be more than 0'),
        (dict(minutes=0.01), 'no time for 10 steps of 0.5 seconds'),
        (dict(weights='absent.pth'), 'weights not found: absent.pth'),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_an_error_and_writes_nothing(
    options, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(project, 'time_steps', lambda cfg: Pace(0.5, 0.1))
    with pytest.raises(InputError, match=message):
        make(tmp_path, 'detection', **options)
    assert not (tmp_path / 'a project').exists()


@pytest.mark.parametrize('kind', ['file', 'folder', 'link'])
def test_a_folder_in_use_is_left_alone(kind, tmp_path):
    out = tmp_path / 'a project'
    if kind == 'file':
        out.write_text('mine')
    elif kind == 'link':
        out.symlink_to(tmp_path / 'absent')
    else:
        out.mkdir()
        (out / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='a project exists already'):
        make(tmp_path, 'detection')
    assert out.is_symlink() or 'mine' in (
        out.read_text() if out.is_file() else (out / 'notes.txt').read_text()
    )


def test_nothing_to_learn_from_is_an_error():
    own = ['val', 'val', 'test']
    with pytest.raises(InputError, match='no images are left to train on'):
        split(classified(['a', 'b', 'a'], splits=own))


def test_without_a_gpu_the_backbone_is_small_and_the_network_is_not_asked(
    tmp_path, monkeypatch
):
    def asked(address):
        raise AssertionError(f'asked for {address}')

    monkeypatch.setattr(weights, 'is_cached', lambda address: True)
    monkeypatch.setattr(weights, 'is_reachable', asked)
    monkeypatch.setattr(Machine, 'here', lambda: CPU)
    done = make(tmp_path, 'classification', backbone=None)
    assert (done.choices.start.backbone.name, done.choices.start.checkpoint) == (
        'sepvit-lite',
        None,
    )
    text = ' '.join(done.config.read_text().replace('#', '').split())
    assert f'The backbone starts from random weights: {weights.TOO_SLOW}.' in text
    rows = {name: why for name, _, why in done.choices.rows}
    assert rows['backbone'] == weights.TOO_SLOW


def test_a_few_real_steps_are_timed_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, 'TIMED', 2)
    monkeypatch.setattr(timing, 'WARM', 1)
    done = make(tmp_path, 'classification')
    cfg = engine.load_config(
        done.config,
        overrides={'train_dataloader.batch_size': 2, 'train_dataloader.num_workers': 1},
    )
    before = sorted(done.folder.rglob('*'))
    pace = timing.time_steps(cfg)
    assert pace.step > 0 and pace.image > 0
    assert sorted(done.folder.rglob('*')) == before


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize('stream, shown', [(Terminal, True), (io.StringIO, False)])
def test_steps_are_counted_on_a_terminal_and_nowhere_else(
    stream, shown, tmp_path, monkeypatch
):
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setattr(sys, 'stderr', err := stream())
    hook = StepStatus('Timing steps')
    with pytest.raises(KeyboardInterrupt), status('Timing steps'):
        hook.before_train_iter(SimpleNamespace(iter=1, max_iters=11), 1)
        raise KeyboardInterrupt
    said = err.getvalue()
    assert ('Timing steps: 2 of 11 steps' in said) == shown
    assert bool(said) == shown
    assert said.rfind('\x1b[?25h') >= said.rfind('\x1b[?25l')  # the cursor is back


def test_the_length_for_minutes_is_what_was_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(project, 'time_steps', lambda cfg: Pace(0.5, 0.1))
    done = make(tmp_path, 'classification', minutes=2)
    cfg = engine.load_config(done.config)
    count = len(done.splits.val)
    assert cfg.train_cfg.max_iters == int((114 - 4 * 0.1 * count) / 0.5)
    assert cfg.param_scheduler[1].end == cfg.train_cfg.max_iters
    assert 'Length: 2 min at 0.50 s a step' in done.config.read_text()


def test_the_command_prints_what_to_type_next(tmp_path, monkeypatch, capsys):
    root = write_coco(tmp_path / 'my data')
    out = tmp_path / 'my project'
    command = ['new', str(root), '--task', 'detection', '--out', str(out)]
    command += ['--backbone', 'sepvit-lite', '--method', 'retinanet']
    # the images of both splits are equal
    assert main(command) == 2
    assert 'no images are left to train on' in capsys.readouterr().err
    (root / 'annotations/val.json').unlink()
    assert main(command) == 0
    text = capsys.readouterr().out
    assert f"sepvit-mm train '{out}/config.py'\n" in text
    assert f"sepvit-mm test '{out}/config.py' '{out}/run'\n" in text
    assert f"sepvit-mm report '{out}/run'\n" in text
    assert 'sepvit-lite, from random' in text and 'reach 100.0%' in text
    for name in ('config.py', 'samples.png', 'inspection.png', 'inspection.json'):
        assert (out / name).stat().st_size > 0
        assert f'{out / name}' in text
