"""What a plain `pip install` gives: of a built wheel alone, and of a checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import ROOT, message_in
from mmengine.hub import get_config

from sepvit_mm import __version__
from sepvit_mm.cli.main import COMMANDS

SOURCES = ('sepvit_mm', 'configs', 'tools')
CROWNS = '{}/sepvit_mm/.mim/configs/sepvit_lite_crowns.py'


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    """A folder with the wheel installed in it, built from a copy of the sources."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    for name in SOURCES:
        ignored = shutil.ignore_patterns('__pycache__', '.mim')
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q']
    offline = ['--no-deps', '--no-index']
    build = ['wheel', '--no-build-isolation', '-w', folder / 'dist', source]
    subprocess.run([*pip, *build, *offline], check=True)
    (wheel,) = (folder / 'dist').glob('*.whl')
    install = ['install', '--target', folder / 'site', wheel]
    subprocess.run([*pip, *install, *offline], check=True)
    return folder / 'site'


def start(site: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess:
    """Run Python where only the installed wheel is found."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(site), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )


def run(site: Path, cwd: Path, *command: str) -> str:
    """Run what must succeed in the same way; return what it printed."""
    done = start(site, cwd, *command)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_package_in_the_wheel_is_the_one_used(site, tmp_path):
    where = run(site, tmp_path, '-c', 'import sepvit_mm; print(sepvit_mm.__file__)')
    assert Path(where.split()[-1]) == site / 'sepvit_mm/__init__.py'


def test_mim_finds_every_config_of_the_model_index(site):
    mim = site / 'sepvit_mm/.mim'
    index = yaml.safe_load((mim / 'model-index.yml').read_text())
    configs = []
    for path in index['Import']:
        entries = yaml.safe_load((mim / path).read_text())
        configs += [entry['Config'] for entry in entries['Models']]
    assert len(configs) == len({*configs}) > 50
    assert all((mim / config).is_file() for config in configs)
    here = {path.name for path in (ROOT / 'tools').glob('*.py')}
    assert {path.name for path in (mim / 'tools').glob('*.py')} == here
    assert {'train.py', 'test.py'} <= here


def test_mmengine_finds_configs_by_name(site, tmp_path):
    (tmp_path / 'mine.py').write_text(
        f"_base_ = '{site}/sepvit_mm/.mim/configs/retinanet_sepvit_s_coco.py'\n"
        'train_cfg = dict(max_epochs=1)\n'
    )
    script = """
import sepvit_mm
from mmengine import Config
from mmengine.hub import get_config
from sepvit_mm.engine import build_model
cfg = get_config('sepvit_mm::configs/mask_rcnn_sepvit_t_coco.py')
mine = Config.fromfile('mine.py')
print(cfg.model.type, mine.model.backbone.arch, mine.train_cfg.max_epochs)
small = get_config('sepvit_mm::configs/atss_sepvit_lite_trees.py')
for each in (cfg, mine, small):
    build_model(each, device='meta')
"""
    assert run(site, tmp_path, '-c', script).split() == ['MaskRCNN', 'small', '1']


def test_mmengine_finds_the_configs_of_an_installed_checkout_too():
    cfg = get_config('sepvit_mm::configs/retinanet_litv2_s_ws4_coco.py')
    assert cfg.model.backbone.window_sizes == (0, 0, 4, 1)


def test_the_wheel_says_what_it_is(site):
    (folder,) = site.glob('sepvit_mm-*.dist-info')
    text = (folder / 'METADATA').read_text()
    for line in (
        f'Version: {__version__}',
        'Author: the sepvit_mm developers',
        'License-Expression: Apache-2.0',
        'Requires-Python: <3.13,>=3.10',
        'Provides-Extra: safetensors',
        'Provides-Extra: timm',
        'Description-Content-Type: text/markdown',
    ):
        assert f'{line}\n' in text
    required = set(re.findall(r'Requires-Dist: (\w+)(?!.*extra)', text))
    assert required == {'torch', 'rich', 'pyyaml'}
    assert (site / 'sepvit_mm/py.typed').is_file()
    assert [path.name for path in site.glob('*/__init__.py')] == ['__init__.py']


def test_commands_work_from_anywhere(site, tmp_path):
    program = site / 'bin/sepvit-mm'
    names = run(site, tmp_path, program, '--help').split()
    assert {*COMMANDS} <= {*names}
    options = ['sepvit-lite', 'literal', '--shape', '64', '64', '--rounds', '1']
    table = run(site, tmp_path, program, 'benchmark', *options)
    assert '| sepvit-lite, literally |' in table


def test_a_report_needs_only_the_wheel(site, tmp_path):
    log = tmp_path / 'one/1/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.5, "lr": 0.1, "step": 1}\n')
    assert 'report.html' in run(site, tmp_path, site / 'bin/sepvit-mm', 'report', 'one')
    assert 'Loss: one ends at 1.5' in (tmp_path / 'one/report.html').read_text()


@pytest.mark.parametrize(
    'args, message',
    [
        (['train', CROWNS], 'data/crowns, which train_dataloader of'),
        (['test', CROWNS, 'absent.pth'], 'data/crowns, which test_dataloader of'),
        (['convert', 'absent.pth', 'new.pth'], 'absent.pth'),
        (['prepare', 'trees', '--wheel', 'absent.whl'], 'cannot read absent.whl'),
        (
            ['new', 'absent', '--task', 'semantic', '--out', 'x'],
            'absent does not exist',
        ),
        (['zoo', '--write'], '--write updates the files of a checkout'),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else '',
)
def test_commands_refuse_from_anywhere(args, message, site, tmp_path):
    done = start(
        site, tmp_path, site / 'bin/sepvit-mm', *(a.format(site) for a in args)
    )
    assert done.returncode == 2
    assert message in message_in(done.stderr)


def test_tools_and_zoo_work_from_anywhere(site, tmp_path):
    script = """
from sepvit_mm.zoo import config_path, size_of
print(config_path('litv2_s_imagenet'), size_of('litv2_s_imagenet').parameters)
"""
    path, parameters = run(site, tmp_path, '-c', script).split()[-2:]
    assert path.startswith(str(site))
    assert parameters == '27844000'
    tool = site / 'sepvit_mm/.mim/tools/get_flops.py'
    assert '27.84' in run(site, tmp_path, tool, path)
    assert 'none' in run(site, tmp_path, '-m', 'sepvit_mm', 'check', path)
