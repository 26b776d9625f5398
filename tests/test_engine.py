"""What training and evaluation are made of, without a run."""

import json
import os

import numpy as np
import pytest
import torch
from commands import ROOT
from mmengine.config import Config
from mmengine.registry import HOOKS

from sepvit_mm.checkpoints.whole import latest_checkpoint
from sepvit_mm.engine import load_config, metrics_table, write_metrics
from sepvit_mm.engine.runs import augment, checkpoint_in
from sepvit_mm.errors import InputError

RETINANET = ROOT / 'configs/retinanet_sepvit_t_coco.py'


def test_every_hook_can_be_named_in_a_config(tmp_path):
    for hook in ('Bfloat16Hook', 'CompileBackboneHook', 'PictureHook', 'SummaryHook'):
        options = dict(folder=tmp_path) if hook == 'PictureHook' else {}
        assert HOOKS.build(dict(type=hook, **options)) is not None


def test_an_unknown_launcher_is_refused():
    with pytest.raises(ValueError, match=r"launcher is 'fork', .*'none', 'pytorch'"):
        load_config(RETINANET, launcher='fork')


def test_data_root_moves_every_path_under_it():
    cfg = load_config(RETINANET, overrides={'data_root': 'elsewhere/coco'})
    for split in ('train', 'val', 'test'):
        assert cfg[f'{split}_dataloader'].dataset.data_root == 'elsewhere/coco'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.ann_file.startswith('elsewhere/coco/annotations/')
    assert 'data/coco' not in cfg.pretty_text


def test_a_folder_stands_for_its_best_checkpoint_else_the_last(tmp_path):
    with pytest.raises(InputError, match=r'no complete best_\*\.pth, epoch_\*\.pth or'):
        checkpoint_in(tmp_path)
    torch.save({}, tmp_path / 'iter_9.pth')
    (tmp_path / 'best_mIoU_iter_7.pth').write_bytes(b'cut short')
    assert checkpoint_in(tmp_path) == tmp_path / 'iter_9.pth'
    for step in (8, 6):  # the newest, of a second run
        torch.save({}, tmp_path / f'best_mIoU_iter_{step}.pth')
        os.utime(tmp_path / f'best_mIoU_iter_{step}.pth', (10 - step, 10 - step))
    assert checkpoint_in(tmp_path) == tmp_path / 'best_mIoU_iter_6.pth'


def test_latest_checkpoint_is_the_last_whole_one(tmp_path):
    assert latest_checkpoint(tmp_path / 'absent') is None
    for step in (8, 9, 10):
        path = tmp_path / f'epoch_{step}.pth'
        torch.save({'step': step}, path)
        os.utime(path, (1, 1))  # copied all at once
    torch.save({}, tmp_path / 'best_mIoU_epoch_12.pth')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_10.pth'))
    (tmp_path / 'epoch_10.pth').write_bytes(b'')
    os.utime(tmp_path / 'epoch_10.pth', (1, 1))
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_9.pth'
    # another run began in the same folder; its machine went down twice
    for step in (1, 2):
        torch.save({'step': step}, tmp_path / f'epoch_{step}.pth')
        os.utime(tmp_path / f'epoch_{step}.pth', (step + 1, step + 1))
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_2.pth'
    (tmp_path / 'last_checkpoint').write_text('/elsewhere/epoch_1.pth')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'


def test_metrics_that_are_no_numbers_are_written_too(tmp_path):
    metrics = {'mIoU': float('nan'), 'aAcc': np.float64(50), 'classwise': [1, 2.5]}
    write_metrics(metrics, tmp_path / 'a/m.json')
    written = json.loads((tmp_path / 'a/m.json').read_text())
    assert written == {'mIoU': None, 'aAcc': 50, 'classwise': [1, 2.5]}
    assert metrics_table(metrics).row_count == 3
    assert len(list((tmp_path / 'a').iterdir())) == 1  # nothing half-written is left


def test_augmentation_reaches_the_data_inside_wrappers():
    inner = [dict(type='CocoDataset', pipeline=[]) for _ in range(2)]
    wrapped = dict(type='ConcatDataset', datasets=inner)
    cfg = Config(
        dict(
            model=dict(type='RetinaNet'),
            tta_model=dict(type='DetTTAModel'),
            tta_pipeline=[dict(type='TestTimeAug')],
            test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=wrapped)),
        )
    )
    augment(cfg)
    assert cfg.model == dict(type='DetTTAModel', module=dict(type='RetinaNet'))
    repeated = cfg.test_dataloader.dataset
    for wrapper in (repeated, repeated.dataset):
        assert 'pipeline' not in wrapper
    for dataset in repeated.dataset.datasets:
        assert dataset.pipeline == cfg.tta_pipeline
