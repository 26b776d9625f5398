"""Every command of sepvit-mm has help, short error messages and exit codes."""

import argparse
import os
import re
import runpy
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from commands import ROOT, message_in

from sepvit_mm import __version__
from sepvit_mm.cli import main as program
from sepvit_mm.cli import zoo
from sepvit_mm.cli.main import COMMANDS, main

CROWNS = ROOT / 'configs/sepvit_lite_crowns.py'
SCRIPTS = {
    'train.py': 'train',
    'test.py': 'test',
    'get_flops.py': 'flops',
    'benchmark.py': 'benchmark',
    'convert_checkpoint.py': 'convert',
    'prepare_dataset.py': 'prepare',
    'model_zoo.py': 'zoo',
}


def help_of(capsys, *args: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main([*args, '--help'])
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_helps(command, capsys):
    text = help_of(capsys, command)
    assert text.startswith(f'usage: sepvit-mm {command} ')
    first_line = COMMANDS[command].__doc__.splitlines()[0]
    assert first_line in text
    overview = ' '.join(help_of(capsys).split())
    assert f' {command} {first_line.rstrip(".")} ' in overview


@pytest.mark.parametrize('command', COMMANDS)
def test_every_argument_is_explained_with_its_default(command):
    parser = argparse.ArgumentParser()
    COMMANDS[command].add_arguments(parser)
    for action in parser._actions[1:]:  # the first is --help
        assert action.help, action.dest
        if action.default not in (None, False) or action.const not in (None, True):
            says = 'default' in action.help or str(action.const) in action.help
            assert says, action.dest


def test_the_scripts_are_those_in_the_folder():
    assert {path.name for path in (ROOT / 'tools').glob('*.py')} == {*SCRIPTS}


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_script_is_its_command(script, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [script, '--help'])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / 'tools' / script), run_name='__main__')
    assert stop.value.code == 0
    assert capsys.readouterr().out == help_of(capsys, SCRIPTS[script])


def test_help_needs_none_of_the_task_libraries(tmp_path):
    script = """
import sys
from sepvit_mm.cli.main import main
try:
    main(['--help'])
finally:
    print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, '-c', script],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    text, modules = done.stdout.rstrip().rsplit('\n', 1)
    assert {*COMMANDS} <= {*text.split()}
    assert {'mmdet', 'mmseg', 'mmpretrain', 'timm'}.isdisjoint(modules.split())


def test_the_module_is_the_program(tmp_path):
    done = subprocess.run(
        [sys.executable, '-m', 'sepvit_mm', '--version'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


@pytest.mark.parametrize('args', [['huge'], []], ids=['unknown', 'none'])
def test_without_a_known_command_nothing_runs(args, capsys):
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 2
    message = message_in(capsys.readouterr().err)
    assert 'COMMAND' in message
    assert not args or all(f"'{command}'" in message for command in COMMANDS)


NEW = ['new', '--task', 'detection']
# What is given, and what the message says about it.
MISTAKES = {
    'report: no work dir': (['report'], 'required: WORK_DIR'),
    'report: absent': (['report', 'absent'], 'absent is not a folder: give the work'),
    'report: no run': (['report', 'folder'], 'folder has no config, log or checkpoint'),
    'report: out': (['report', 'folder', '--out', 'taken'], 'taken is a folder'),
    'report: images': (
        ['report', 'x', '--images', '-1'],
        '--images: .*-1, .*0 or more',
    ),
    'train: no config': (['train'], 'required: CONFIG'),
    'train: absent config': (['train', 'absent.py'], 'not found: absent.py'),
    'train: launcher': (['train', CROWNS, '--launcher', 'fork'], "'fork' .*'pytorch'"),
    'train: seed': (['train', CROWNS, '--seed', '-1'], '--seed: .*-1, .* 0 or more'),
    'train: word': (['train', CROWNS, '--seed', 'x'], '--seed: invalid integer.*x'),
    'train: work dir': (['train', CROWNS, '--work-dir', 'file'], 'file is a file'),
    'train: work dir under a file': (
        ['train', CROWNS, '--work-dir', 'file/x/y'],
        '--work-dir: file/x/y cannot be a folder: file is a file',
    ),
    'train: own work dir': (
        ['train', CROWNS, '--cfg-options', 'work_dir=file/x'],
        'file/x cannot be a folder: file is a file',
    ),
    'train: long name': (
        ['train', CROWNS, '--work-dir', 'x' * 300],
        'x cannot be written: File name too long',
    ),
    'train: option without effect': (
        ['train', CROWNS, '--cfg-options', 'train_pipeline.0.type=x'],
        'instead: train_dataloader.dataset.pipeline.0.type$',
    ),
    'train: share': (['train', CROWNS, '--ema', '2'], 'ema is 2.0, but must be'),
    'train: backend': (['train', CROWNS, '--compile', 'fast'], "backend is 'fast'"),
    'train: tracker': (['train', CROWNS, '--log', 'comet'], "'comet' .*'tensorboard'"),
    'train: rate': (['train', CROWNS, '--layer-decay', '0'], 'layer_decay is 0.0'),
    'test: no checkpoint': (['test', CROWNS], 'required: CHECKPOINT'),
    'test: absent config': (['test', 'absent.py', 'x'], 'not found: absent.py'),
    'test: out': (['test', CROWNS, 'x', '--out', 'folder'], 'folder is a folder'),
    'test: pictures': (['test', CROWNS, 'x', '--show-dir', 'file'], 'file is a file'),
    'test: out under a file': (
        ['test', CROWNS, 'x', '--out', 'file/x/y.json'],
        '--out: file/x cannot be a folder: file is a file',
    ),
    'test: pictures under a file': (
        ['test', CROWNS, 'x', '--show-dir', 'file/x'],
        '--show-dir: file/x cannot be a folder',
    ),
    'test: own work dir': (
        ['test', CROWNS, 'x', '--out', 'm.json', '--cfg-options', 'work_dir=file'],
        'file is a file, but must be a folder',
    ),
    'test: own metrics': (
        ['test', CROWNS, 'x', '--cfg-options', 'work_dir=taken'],
        'taken/metrics.json is a folder',
    ),
    'predict: no input': (['predict', CROWNS, 'x'], 'required: INPUT'),
    'predict: absent input': (
        ['predict', CROWNS, 'x', 'absent', '--out', 'new'],
        'absent not found: give images',
    ),
    'predict: out': (
        ['predict', CROWNS, 'x', 'file', '--out', 'taken'],
        'taken is not empty, and nothing is overwritten',
    ),
    'check: option without effect': (
        ['check', CROWNS, '--cfg-options', 'test_pipeline.0.type=x'],
        'cannot use ',
    ),
    'flops: option without effect': (
        ['flops', CROWNS, '--cfg-options', 'train_pipeline.0.type=x'],
        'train_pipeline is only used while the config file is read',
    ),
    'benchmark: file under a file': (
        ['benchmark', '--markdown', 'file/x'],
        '--markdown: file is a file',
    ),
    'convert: folder': (['convert', 'x.pth', 'folder'], 'DST: folder is a folder'),
    'convert: under a file': (['convert', 'x.pth', 'file/x'], 'DST: file is a file'),
    'prepare: root under a file': (
        ['prepare', 'trees', '--data-root', 'file/x'],
        '--data-root: file/x cannot be a folder',
    ),
    'check: no config': (['check'], 'required: CONFIG'),
    'check: absent config': (['check', 'absent.py'], 'cannot use absent.py'),
    'check: gpus': (['check', CROWNS, '--gpus', '0'], '--gpus: .*0, .* 1 or more'),
    'flops: absent config': (['flops', 'absent.py'], 'not found: absent.py'),
    'flops: shape': (['flops', CROWNS, '--shape', '8', '99'], r'--shape is \[8, 99\]'),
    'flops: depth': (['flops', CROWNS, '--by-module', '0'], '--by-module: .*0'),
    'flops: option': (
        ['flops', CROWNS, '--cfg-options', 'model.neck.type=None_'],
        'cannot count .*None_',
    ),
    'export: absent config': (['export', 'absent.py', 'x.pth', 'new'], 'absent.py'),
    'export: folder': (['export', CROWNS, 'x.pth', 'folder'], 'folder exists already'),
    'export: format': (
        ['export', CROWNS, 'x.pth', 'new', '--format', 'caffe'],
        "'caffe' .*'onnx', 'openvino', 'torch'",
    ),
    'export: size': (
        ['export', CROWNS, 'x.pth', 'new', '--size', '0', '9'],
        '--size: .*0, .*1 or more',
    ),
    'export: checkpoint': (['export', CROWNS, 'absent.pth', 'new'], 'absent.pth'),
    'export: address': (
        ['export', CROWNS, 'https://a.b/x.pth', 'new'],
        'x.pth is an address: download it',
    ),
    'benchmark: model': (
        ['benchmark', 'swin'],
        'swin is no config, and not one of sepvit-lite, .*literal, swin-t',
    ),
    'benchmark: reference': (
        ['benchmark', 'pale-t', '--reference', 'swin-t'],
        '--reference is swin-t, but must be one of pale-t',
    ),
    'benchmark: memory, compiled': (
        ['benchmark', '--memory', '--runtime', 'compile'],
        '--memory measures eager models',
    ),
    'benchmark: plot of one size': (['benchmark', '--plot', 'x.svg'], 'several sizes'),
    'benchmark: device': (
        ['benchmark', '--device', 'abacus'],
        '--device abacus cannot be used: .*abacus',
    ),
    'benchmark: shape': (['benchmark', '--shape', '8', '8'], '--shape: .*32 or more'),
    'benchmark: rounds': (['benchmark', '--rounds', '0'], '--rounds: .*1 or more'),
    'benchmark: batch': (['benchmark', '--batch', '0'], '--batch: .*1 or more'),
    'benchmark: file': (['benchmark', '--json', 'folder'], 'folder is a folder'),
    'convert: absent file': (['convert', 'absent.pth', 'new.pth'], 'absent.pth'),
    'convert: known file': (['convert', 'x.pth', 'file'], 'file exists already'),
    'convert: format': (['convert', 'x', 'y.safetensors'], 'only files of torch.save'),
    'convert: content': (['convert', 'other.pth', 'new.pth'], 'names in other.pth'),
    'prepare: unknown': (['prepare', 'birds'], "'birds' .*'trees'"),
    'prepare: wheel for all': (['prepare', 'all', '--wheel', 'x'], 'for one dataset'),
    'prepare: absent wheel': (['prepare', 'trees', '--wheel', 'absent.whl'], 'absent'),
    'prepare: root': (['prepare', 'trees', '--data-root', 'file'], 'file is a file'),
    'new: no task': (['new', 'folder', '--out', 'x'], 'required: --task'),
    'new: task': (
        ['new', 'folder', '--task', 'pose', '--out', 'x'],
        "'pose' .*'detection', 'instance', 'semantic', 'classification'",
    ),
    'new: absent data': ([*NEW, '--out', 'x', 'absent'], 'absent does not exist'),
    'new: out': ([*NEW, '--out', 'taken', 'folder'], 'taken exists already'),
    'new: file': ([*NEW, '--out', 'file', 'folder'], 'file is a file'),
    'new: backbone': (
        [*NEW, '--out', 'x', 'folder', '--backbone', 'resnet'],
        'backbone is resnet, but must be one of sepvit-lite, .*pale-b',
    ),
    'new: method': (
        [*NEW, '--out', 'x', 'folder', '--method', 'upernet'],
        'method upernet is for semantic; for detection, it must be atss or retinanet',
    ),
    'new: val': (
        [*NEW, '--out', 'x', 'folder', '--val', 'absent'],
        "--val: 'absent' is neither a share nor a folder",
    ),
    'new: share': ([*NEW, '--out', 'x', 'folder', '--val', '2'], 'val is 2, but must'),
    'new: minutes': (
        [*NEW, '--out', 'x', 'folder', '--minutes', '0'],
        'minutes is 0, but must be more than 0',
    ),
    'new: weights': (
        [*NEW, '--out', 'x', 'folder', '--weights', 'absent.pth'],
        'weights not found: absent.pth',
    ),
    'zoo: surplus': (['zoo', 'COCO'], 'unrecognized arguments: COCO'),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_of_the_users_is_told_in_a_line(
    mistake, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'taken/metrics.json').mkdir(parents=True)
    torch.save({'weight': torch.zeros(1)}, tmp_path / 'other.pth')
    given = {*tmp_path.iterdir()}
    args, expected = MISTAKES[mistake]
    try:
        code = main([*map(str, args)])
    except SystemExit as stop:  # of argparse
        code = stop.code
    assert code == 2
    message = message_in(capsys.readouterr().err)
    assert re.search(expected, message), message
    assert {*tmp_path.iterdir()} == given


TO_WRITE = {
    '--work-dir': ['train', CROWNS, '--work-dir', 'new/x'],
    'work_dir': ['train', CROWNS, '--cfg-options', 'work_dir=new/x'],
    '--out': ['test', CROWNS, 'x', '--out', 'new/x'],
    '--show-dir': ['test', CROWNS, 'x', '--show-dir', 'new/x'],
    'metrics.json': ['test', CROWNS, 'x', '--cfg-options', 'work_dir=new/x'],
    '--out folder': ['predict', CROWNS, 'x', 'x', '--out', 'new/x'],
    '--out page': ['report', 'x', '--out', 'new/x'],
    '--json': ['benchmark', '--json', 'new/x'],
    '--markdown': ['benchmark', '--markdown', 'new/x'],
    'DST': ['convert', 'x', 'new/x'],
    'new: --out': [*NEW, '--out', 'new/x', 'x'],
    '--data-root': ['prepare', 'trees', '--data-root', 'new/x'],
}


@pytest.mark.parametrize('place', TO_WRITE)
def test_a_place_that_may_not_be_written_is_refused_at_the_start(
    place, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    # not by permissions: the superuser may write anyway
    monkeypatch.setattr(
        os, 'access', lambda path, mode: not os.path.samefile(path, '.')
    )
    try:
        code = main([*map(str, TO_WRITE[place])])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    message = message_in(capsys.readouterr().err)
    assert re.search('new(/x)? cannot be written: no permission to write', message)
    assert not [*tmp_path.iterdir()]


def test_every_command_is_tried_with_mistakes():
    assert {mistake.partition(':')[0] for mistake in MISTAKES} == {*COMMANDS}


def test_a_bug_of_ours_keeps_its_traceback(monkeypatch):
    def fail(args):
        raise ValueError('a bug')

    command = SimpleNamespace(__doc__='Fail.', add_arguments=id, run=fail)
    monkeypatch.setattr(program, 'COMMANDS', {'fail': command})
    with pytest.raises(ValueError, match='a bug'):
        main(['fail'])


@pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU makes it work')
def test_a_device_that_is_not_there_is_named(capsys):
    assert main(['benchmark', '--device', 'cuda']) == 2
    assert '--device cuda cannot be used' in message_in(capsys.readouterr().err)


def test_peers_are_not_needed(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    options = ['--shape', '64', '64', '--rounds', '1']
    assert main(['benchmark', 'sepvit-lite', 'swin-t', *options]) == 2
    assert 'pip install timm' in message_in(capsys.readouterr().err)
    assert main(['benchmark', 'sepvit-lite', 'literal', *options]) == 0
    assert 'speed relative to sepvit-lite, literally' in capsys.readouterr().out


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one page, whose table is out of date."""
    monkeypatch.setattr(zoo, 'CHECKOUT', tmp_path)
    monkeypatch.setattr(zoo, 'tables', lambda: {'small': '| new |\n'})
    monkeypatch.setattr(zoo, 'files', lambda: {'model-index.yml': 'Import: []\n'})
    (tmp_path / 'docs/more').mkdir(parents=True)
    (tmp_path / 'docs/more/page.md').write_text(
        'Before.\n\n<!-- table: small -->\n\n| old |\n\n<!-- end -->\n\nAfter.\n'
    )
    (tmp_path / 'docs/plain.md').write_text('No table.\n')
    return tmp_path


def test_tables_are_renewed_in_every_page_that_has_them(checkout, capsys):
    (checkout / 'model-index.yml').write_text('')
    assert main(['zoo', '--write']) == 0
    assert {*capsys.readouterr().out.split()} == {
        'docs/more/page.md',
        'model-index.yml',
    }
    page = (checkout / 'docs/more/page.md').read_text()
    assert '| new |' in page and '| old |' not in page
    assert page.startswith('Before.') and page.endswith('After.\n')
    assert (checkout / 'docs/plain.md').read_text() == 'No table.\n'
    assert (checkout / 'model-index.yml').read_text() == 'Import: []\n'
    assert main(['zoo', '--write']) == 0
    assert capsys.readouterr().out == ''  # all is current


def test_tables_are_printed(checkout, capsys):
    assert main(['zoo']) == 0
    assert capsys.readouterr().out == 'small\n\n| new |\n\n'
    assert '| old |' in (checkout / 'docs/more/page.md').read_text()


def test_without_a_checkout_nothing_is_written(checkout, capsys):
    assert main(['zoo', '--write']) == 2
    assert 'a checkout' in message_in(capsys.readouterr().err)
    assert '| old |' in (checkout / 'docs/more/page.md').read_text()
