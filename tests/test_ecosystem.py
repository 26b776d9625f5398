"""Tools that the libraries install work on our configs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import noise
import pytest
import torch
from commands import ROOT, run_script
from mmengine.config import Config

from sepvit_mm.engine import build_model, evaluate, load_config

IMAGES = {f'{index}.png' for index in range(noise.COUNT)}
LIBRARIES = ('mmdet', 'mmseg', 'mmpretrain')


@pytest.fixture(scope='module')
def configs(tmp_path_factory) -> dict[str, Path]:
    """A config for each library, with data and an untrained checkpoint beside it."""
    root = tmp_path_factory.mktemp('noise')
    found = {
        'mmdet': noise.detector_config(
            root / 'mmdet.py', noise.write_coco(root / 'coco')
        ),
        'mmseg': noise.segmentor_config(
            root / 'mmseg.py', noise.write_masks(root / 'masks')
        ),
        'mmpretrain': noise.classifier_config(
            root / 'mmpretrain.py', noise.write_labels(root / 'labels')
        ),
    }
    for path in found.values():
        torch.manual_seed(0)
        model = build_model(load_config(path))
        torch.save(dict(state_dict=model.state_dict()), path.with_suffix('.pth'))
    return found


def run(library: str, tool: str, *args: object, cwd: Path) -> None:
    """Run a library's own tool, as installed with it; it must succeed."""
    package = Path(find_spec(library).submodule_search_locations[0])
    run_script(package / '.mim/tools' / tool, *args, cwd=cwd, MPLBACKEND='Agg')


def images_in(folder: Path) -> int:
    """Number of pictures anywhere in a folder."""
    return sum(path.suffix in {'.png', '.jpg'} for path in folder.rglob('*'))


@pytest.mark.parametrize('library', LIBRARIES)
def test_test_py_draws_its_predictions(library, configs, tmp_path):
    run(
        library,
        'test.py',
        configs[library],
        configs[library].with_suffix('.pth'),
        '--work-dir',
        tmp_path / 'work',
        '--show-dir',
        tmp_path / 'shown',
        cwd=tmp_path,
    )
    assert images_in(tmp_path) == noise.COUNT


@pytest.mark.parametrize('library', LIBRARIES)
def test_browse_dataset_draws_every_training_image(library, configs, tmp_path):
    tool, more = 'analysis_tools/browse_dataset.py', []
    if library == 'mmpretrain':  # its other modes need an older matplotlib
        tool, more = 'visualization/browse_dataset.py', ['--mode', 'original']
    run(
        library,
        tool,
        configs[library],
        *more,
        '--not-show',
        '--output-dir',
        tmp_path / 'shown',
        cwd=tmp_path,
    )
    assert {path.name for path in (tmp_path / 'shown').iterdir()} == IMAGES


@pytest.mark.parametrize('library', ['mmdet', 'mmpretrain'])
def test_vis_scheduler_draws_the_learning_rate(library, configs, tmp_path):
    run(
        'mmpretrain',
        'visualization/vis_scheduler.py',
        configs[library],
        '--not-show',
        '--save-path',
        tmp_path / 'lr.png',
        cwd=tmp_path,
    )
    assert (tmp_path / 'lr.png').stat().st_size > 0


@pytest.mark.parametrize(
    'path', sorted(ROOT.glob('configs/*.py')), ids=lambda path: path.stem
)
def test_every_config_has_what_the_tools_look_for(path):
    cfg = Config.fromfile(path)
    prefix = {'mmdet': 'Det', 'mmseg': 'Seg', 'mmpretrain': ''}[cfg.default_scope]
    # draws nothing unless told to
    assert cfg.default_hooks.visualization == dict(type=f'{prefix}VisualizationHook')
    assert cfg.default_hooks.param_scheduler.type == 'ParamSchedulerHook'
    assert cfg.visualizer.name == 'visualizer'
    assert cfg.log_level == 'INFO'


def test_each_run_in_a_process_writes_to_its_own_folder(configs, tmp_path):
    for name in ('first', 'second'):
        cfg = load_config(configs['mmpretrain'])
        cfg.work_dir = str(tmp_path / name)
        evaluate(
            cfg,
            configs['mmpretrain'].with_suffix('.pth'),
            show_dir=tmp_path / name / 'shown',
        )
        assert len([*(tmp_path / name).rglob('vis_data/config.py')]) == 1
        assert images_in(tmp_path / name) == noise.COUNT  # drawn once
