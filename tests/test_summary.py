"""A training says what it will do, and where its results are."""

import noise
import pytest
from mmengine.config import Config
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sepvit_mm.checkpoints.whole import latest_checkpoint
from sepvit_mm.cli.main import main
from sepvit_mm.engine import load_config, log_to, train
from sepvit_mm.engine.trackers import TRACKERS
from sepvit_mm.errors import InputError
from sepvit_mm.plugins import summary


def log_of(work_dir) -> str:
    """The newest log file of a work dir, with its tables' spaces reduced to one."""
    newest = max(work_dir.rglob('*.log'), key=lambda path: path.stat().st_mtime_ns)
    return '\n'.join(' '.join(line.split()) for line in newest.read_text().splitlines())


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    """A detector trained with --log tensorboard, and its work dir."""
    folder = tmp_path_factory.mktemp('detector')
    more = 'train_cfg.update(max_iters=4, val_interval=2)\n'
    more += "sampler = dict(type='mmdet.AspectRatioBatchSampler')\n"
    more += 'train_dataloader.update(batch_sampler=sampler)\n'
    more += 'optim_wrapper = dict(accumulative_counts=2)\n'
    more += 'default_hooks = dict(checkpoint=dict(interval=2), logger=dict(interval=1))'
    path = noise.detector_config(
        folder / 'a detector.py', noise.write_coco(folder), more
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('COLUMNS', '300')
        patch.setattr(summary, 'TIMED', 1)
        patch.setattr(summary, 'SETTLING', 0)
        cfg = log_to(load_config(path, work_dir=folder / 'run'), ['tensorboard'])
        train(cfg, seed=0, auto_scale_lr=True)  # 4 images a step, not 2
        yield path, folder / 'run'


def test_what_training_will_do_is_in_the_log(detector):
    path, work_dir = detector
    log = log_of(work_dir)
    for line in (
        f'config {path}',
        f'work dir {work_dir}',
        'training 6 images, 6 objects',
        'held out 6 images, 6 objects',
        'length 4 steps, about 1.3 times through the data',
        'evaluation every 2 steps',
        'batch 2 images x 2 backward passes = 4 images a step',
        'learning rate 0.0014, LinearLR over steps 0-2',
        'optimizer AdamW, weight decay 0.05, gradients clipped at 5.0',
        'precision float32',
        'weights random',
    ):
        assert f'\n{line}\n' in log, line
    assert log.count('This training') == log.count('expected time: about') == 1


def test_where_the_results_are_is_at_the_end(detector):
    _, work_dir = detector
    log = log_of(work_dir)
    last = work_dir / 'iter_4.pth'
    assert last.is_file()
    config = f"'{work_dir}/a detector.py'"  # quoted for the shell
    end = log.partition('Trained in about ')[2]
    for line in (
        f'last checkpoint {last}',
        f'sepvit-mm test {config} {last}',
        f'sepvit-mm predict {config} {last} IMAGES --out FOLDER',
        f'sepvit-mm report {work_dir}',
    ):
        assert line in end, line
    assert 'best evaluation coco/bbox_mAP ' in end


def test_the_config_that_the_next_commands_name_can_be_loaded(detector):
    _, work_dir = detector
    cfg = load_config(work_dir / 'a detector.py')
    assert cfg.train_cfg.max_iters == 4 and cfg.work_dir == str(work_dir)


def test_tensorboard_holds_the_loss_and_the_metrics(detector):
    _, work_dir = detector
    (events,) = work_dir.rglob('events.out.tfevents.*')
    accumulator = EventAccumulator(str(events))
    accumulator.Reload()
    tags = accumulator.Tags()['scalars']
    assert {'loss', 'lr', 'coco/bbox_mAP'} <= {*tags}
    assert len(accumulator.Scalars('loss')) == 4
    assert [*work_dir.rglob('vis_data/scalars.json')]  # the local files remain


def test_weights_are_named_with_how_much_they_fill(detector, tmp_path, monkeypatch):
    monkeypatch.setenv('COLUMNS', '300')
    weights = detector[1] / 'iter_4.pth'
    start = dict(type='Pretrained', checkpoint=str(weights))
    path = noise.segmentor_config(
        tmp_path / 's.py',
        noise.write_masks(tmp_path),
        f'model = dict(backbone=dict(init_cfg={start}, frozen_stages=1))',
    )
    train(load_config(path, work_dir=tmp_path / 'run'))
    log = log_of(tmp_path / 'run')
    assert f'\nweights 100.0% of the backbone from {weights}\n' in log
    assert ' M of them frozen\n' in log


def test_a_resumed_run_says_where_it_goes_on(detector):
    path, work_dir = detector
    cfg = load_config(path, work_dir=work_dir, overrides={'train_cfg.max_iters': 5})
    train(cfg, resume=latest_checkpoint(work_dir))
    log = log_of(work_dir)
    assert '; resumes at step 4 of 5\n' in log
    assert f'weights resumed from {work_dir}/iter_4.pth\n' in log


def test_epochs_and_classes_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv('COLUMNS', '300')
    path = noise.classifier_config(
        tmp_path / 'c.py',
        noise.write_labels(tmp_path),
        "default_hooks = dict(checkpoint=dict(interval=1, save_best='auto'))",
    )
    train(load_config(path, work_dir=tmp_path / 'run'))
    log = log_of(tmp_path / 'run')
    assert 'length 2 epochs of 3 steps, 6 steps in all\n' in log
    assert 'training 6 images\n' in log  # an image is its own object here
    assert 'evaluation every 2 epochs\n' in log
    (best,) = (tmp_path / 'run').glob('best_*.pth')
    assert f'best checkpoint {best}\n' in log
    assert f' {best} IMAGES --out FOLDER' in log


def test_long_paths_stay_whole_in_a_narrow_terminal(tmp_path, monkeypatch):
    monkeypatch.setenv('COLUMNS', '60')
    work_dir = tmp_path / ('long' * 20)
    path = noise.segmentor_config(tmp_path / 's.py', noise.write_masks(tmp_path))
    train(load_config(path, work_dir=work_dir))
    text = ''.join(log_of(work_dir).split())
    assert f'workdir{work_dir}training' in text


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(40, 'about 40 s'), (660, 'about 11 min'), (9000, 'about 2.5 h')],
)
def test_times_are_written_in_words(seconds, text):
    assert summary.duration(seconds) == text


@pytest.mark.parametrize(
    'visualizer', [None, dict(type='DetLocalVisualizer', vis_backends=None)]
)
def test_trackers_are_added_to_what_is_there(visualizer, monkeypatch):
    monkeypatch.setattr('sepvit_mm.engine.trackers.find_spec', lambda name: name)
    cfg = Config({} if visualizer is None else dict(visualizer=visualizer))
    logged = log_to(log_to(cfg, TRACKERS), ['wandb'])
    kinds = [backend['type'] for backend in logged.visualizer.vis_backends]
    assert kinds == ['LocalVisBackend', *TRACKERS.values()]
    assert cfg.get('visualizer') == visualizer  # left unchanged


def test_settings_of_a_tracker_in_the_config_are_kept():
    own = dict(type='TensorboardVisBackend', save_dir='elsewhere')
    cfg = Config(dict(visualizer=dict(type='SegLocalVisualizer', vis_backends=[own])))
    assert log_to(cfg, ['tensorboard']).visualizer.vis_backends == [own]


def test_every_tracker_is_one_of_mmengines():
    from mmengine.registry import VISBACKENDS

    assert all(VISBACKENDS.get(kind) for kind in TRACKERS.values())


def test_a_tracker_that_is_not_installed_is_named_with_the_command(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr('sepvit_mm.engine.trackers.find_spec', lambda name: None)
    path = noise.classifier_config(tmp_path / 'c.py', tmp_path / 'absent')
    code = main(['train', str(path), '--work-dir', str(tmp_path / 'w'), '--log', 'aim'])
    assert code == 2
    assert (
        capsys.readouterr().err == 'error: --log aim needs a package: pip install aim\n'
    )
    assert not (tmp_path / 'w').exists()
    with pytest.raises(InputError, match="no tracker 'comet', there are tensorboard"):
        log_to(load_config(path), ['comet'])
