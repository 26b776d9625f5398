"""Names of the user's are printed as they are, and results where they are."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from noise import detector_config, segmentor_config, write_coco, write_masks

import sepvit_mm
from sepvit_mm.check import Report
from sepvit_mm.checkpoints import Coverage
from sepvit_mm.cli import check as check_command
from sepvit_mm.cli.main import main
from sepvit_mm.engine import build_model, load_config, metrics_table
from sepvit_mm.engine.predictions import prediction_files, prediction_patterns
from sepvit_mm.terminal import console

PACKAGE = Path(sepvit_mm.__file__).parent
NAMES = ('cat [old]', '[/dog]', ':car:', '[bold]%s{0}')


def test_names_in_tables_are_printed_as_they_are(capsys):
    console(width=80).print(metrics_table(dict.fromkeys(NAMES, '[red]x')))
    printed = capsys.readouterr().out
    for name in (*NAMES, '[red]x'):
        assert name in printed


def test_a_long_name_is_not_cut(capsys):
    console(width=40).print(metrics_table({'n' * 100: 1.0}))
    assert capsys.readouterr().out.count('n') == 100


def test_a_report_of_weights_prints_names_as_they_are():
    parts = ('stages.[/dog].weight', 'stages.:car:.weight')
    empty = dict(resized=(), missing=(), mismatched=(), unexpected=())
    coverage = Coverage('/a/[old].pth', loaded=parts, **empty, filled=1.0, used=1.0)
    for text in ('/a/[old].pth', '[/dog]', ':car:'):
        assert text in str(coverage)


def test_a_check_prints_names_as_they_are(capsys, monkeypatch):
    report = Report()
    report.add('classes', ['[/dog] is unknown', 'and :car:'])
    reports = {'[a].py': report, '[/b].py': Report(unusable='[/c] is bad')}
    monkeypatch.setattr(check_command, '_report', lambda path, args: reports[path])
    monkeypatch.setenv('COLUMNS', '120')
    with pytest.raises(sepvit_mm.errors.InputError, match=r'cannot use \[/b\]\.py'):
        check_command.run(Namespace(configs=[*reports]))
    printed = capsys.readouterr().out
    expected = ('classes: [/dog] is unknown', 'classes: and :car:', '[a].py')
    for text in (*expected, '[/b].py', 'unusable: [/c] is bad'):
        assert text in printed


def test_nothing_prints_past_the_console_of_the_package():
    for path in PACKAGE.rglob('*.py'):
        if path.name != 'terminal.py':
            source = path.read_text()
            for other in (
                'import rich\n',
                'rich.console',
                'rich.markup',
                'import print',
            ):
                assert other not in source, path


@pytest.fixture
def tmp_path(tmp_path, monkeypatch):
    """A folder that is the current one, too."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save_weights(config: Path) -> Path:
    """Write a checkpoint of random weights beside a config."""
    torch.manual_seed(0)
    model = build_model(load_config(config))
    path = config.with_suffix('.pth')
    torch.save({'state_dict': model.state_dict()}, path)
    return path


def evaluate(capsys, config: Path, *options: str) -> str:
    """Evaluate random weights; return what was printed."""
    code = main(['test', str(config), str(save_weights(config)), *options])
    output = capsys.readouterr()
    assert code == 0, output.err
    return output.out


CLASSWISE = """
names = dict(classes=('cat [old]', '[/dog]'), palette=[(220, 20, 60), (0, 80, 220)])
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset']['metainfo'] = names
test_evaluator['classwise'] = True
model['test_cfg'] = dict(score_thr=0.0)
"""


def test_classes_and_folders_of_any_name_are_evaluated(capsys, tmp_path):
    root = write_coco(tmp_path / 'my [data], %s{0} ü', ('cat [old]', '[/dog]'))
    config = detector_config(tmp_path / '[/conf].py', root, CLASSWISE)
    printed = evaluate(capsys, config, '--out', '[/m].json')
    metrics = json.loads((tmp_path / '[/m].json').read_text())
    for name in ('coco/cat [old]_precision', 'coco/[/dog]_precision'):
        assert name in metrics
        assert f' {name} ' in printed
    assert 'metrics written to [/m].json\n' in printed
    assert not [*tmp_path.rglob('*.partial')]
    assert main(['flops', '[/conf].py', '--shape', '64', '64']) == 0
    assert '[/conf].py' in capsys.readouterr().out


def test_a_detector_that_only_writes_predictions_says_where(capsys, tmp_path):
    config = detector_config(
        tmp_path / 'config.py',
        write_coco(tmp_path / 'data'),
        "test_evaluator.update(format_only=True, outfile_prefix='to/my [x]')",
    )
    printed = evaluate(capsys, config)
    assert (
        'no metrics: the evaluators of this config only write predictions\n' in printed
    )
    assert 'predictions written to to/my [x].bbox.json\n' in printed
    assert (tmp_path / 'to/my [x].bbox.json').is_file()
    assert 'no prediction above' not in printed and 'metrics written' not in printed


def test_a_segmentor_that_only_writes_predictions_says_where(capsys, tmp_path):
    config = segmentor_config(
        tmp_path / 'config.py',
        write_masks(tmp_path / 'data'),
        "test_evaluator = dict(format_only=True, output_dir='to')",
    )
    printed = evaluate(capsys, config)
    assert 'predictions written to to\n' in printed
    assert len([*(tmp_path / 'to').glob('*.png')]) == 6
    assert 'no prediction above' not in printed


def test_metrics_beside_predictions_are_both_told(capsys, tmp_path):
    config = segmentor_config(
        tmp_path / 'config.py',
        write_masks(tmp_path / 'data'),
        "test_evaluator = [_base_.test_evaluator, dict(type='DumpResults', "
        "out_file_path='all.pkl')]",
    )
    printed = evaluate(capsys, config)
    assert 'mIoU' in printed and 'predictions written to all.pkl\n' in printed


def test_a_detector_without_predictions_says_so(capsys, tmp_path):
    config = detector_config(
        tmp_path / 'config.py',
        write_coco(tmp_path / 'data'),
        'model["test_cfg"] = dict(score_thr=1.0)',
    )
    printed = evaluate(capsys, config)
    assert 'no prediction above the score threshold' in printed


def test_predictions_without_a_place_are_refused_at_the_start(capsys, tmp_path):
    config = segmentor_config(
        tmp_path / 'config.py', tmp_path, 'test_evaluator = dict(format_only=True)'
    )
    assert main(['test', str(config), 'x.pth']) == 2
    message = capsys.readouterr().err
    assert 'IoUMetric' in message and 'output_dir' in message


def test_every_evaluator_that_writes_is_found():
    dumps = dict(type='DumpResults', out_file_path='a.pkl')
    writes = dict(type='mmdet.CocoMetric', format_only=True, outfile_prefix='to/')
    evaluates = dict(type='IoUMetric', output_dir='labels')
    composed = dict(type='Evaluator', metrics=[writes, evaluates])
    cfg = Config(dict(test_evaluator=[dumps, composed]))
    assert prediction_patterns(cfg) == ['a.pkl', 'to/*']
    assert prediction_files(['absent/a*']) == ['absent/a*']
    assert prediction_patterns(Config({})) == []
