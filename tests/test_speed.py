"""The benchmark compares like with like, and writes what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import ROOT

from sepvit_mm.cli import benchmark as command
from sepvit_mm.cli.main import main
from sepvit_mm.measure import machine
from sepvit_mm.measure.cases import Case, Setting, total
from sepvit_mm.measure.memory import peak_memory
from sepvit_mm.measure.memory import to_markdown as memory_table
from sepvit_mm.measure.speed import (
    growth,
    spread,
    summarize,
    time_in_turns,
    to_markdown,
)


def test_models_take_turns():
    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in 'ab'}
    seconds = time_in_turns(runs, rounds=3)
    assert calls == list('ab') * 4  # once before the clock starts
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_speed_is_the_median_of_paired_ratios():
    seconds = {'ours': [1.0, 10.0, 2.0], 'theirs': [2.0, 30.0, 2.0]}
    ours, theirs = summarize(seconds, 'theirs', images=8, work={'ours': 1.0})
    assert (ours.speedup, ours.median_seconds) == (2.0, 2.0)
    assert ours.speedup_range == (1.0, 3.0)
    assert (ours.images_per_second, ours.matrix_share) == (4.0, 0.5)
    assert (theirs.speedup, theirs.matrix_share) == (1.0, None)
    table = to_markdown([ours, theirs], 'theirs')
    assert '| ours | 2.000 | 4.00 | 2.00 | 1.00 to 3.00 | 50% |' in table
    assert '| theirs | 2.000 | 4.00 | 1.00 | 1.00 to 1.00 | - |' in table
    assert 'matrix speed' not in to_markdown([theirs], 'theirs')


def test_the_exponent_of_growth_is_the_slope_of_logarithms():
    pixels = [100, 200, 400]
    assert growth(pixels, [5 * p**1.5 for p in pixels]) == pytest.approx(1.5)


def test_a_spread_is_told_by_the_quartiles():
    assert spread([3.0]) == spread([2.0, 2.0, 2.0]) == 0
    assert spread([1.0, 2.0, 3.0, 4.0, 100.0]) == pytest.approx(2 / 3)


def test_bad_arguments_name_what_is_allowed():
    with pytest.raises(ValueError, match=r'rounds is 0.*at least 1'):
        time_in_turns({}, rounds=0)
    with pytest.raises(ValueError, match=r"'Swin'.*\['ours'\]"):
        summarize({'ours': [1.0]}, reference='Swin')


class Allocates(torch.nn.Module):
    """Needs 64 MiB for a moment, beyond a weight of 256 MiB."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2**26))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.ones(2**24).sum() + self.weight[0]


def test_peak_memory_is_what_inference_adds_to_the_model():
    cases = {name: Case(Allocates(), torch.zeros(1), Setting()) for name in 'ab'}
    peaks = peak_memory(cases)
    assert all(64 <= peak / 2**20 < 96 for peak in peaks.values()), peaks
    table = memory_table({'ours': 3 * 2**30, 'theirs': 2**31}, 'theirs')
    assert '| ours | 3.00 | 1.50 |' in table


class Remembers(torch.nn.Linear):
    """Keeps in what precision and mode it computed, and whether with gradients."""

    def forward(self, images: torch.Tensor) -> list:
        outputs = super().forward(images)
        self.seen = (outputs.dtype, self.training, torch.is_grad_enabled())
        return [outputs, {'more': outputs}]


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
@pytest.mark.parametrize('task', ['inference', 'training'])
def test_a_case_computes_as_its_setting_says(task, precision):
    case = Case(Remembers(4, 4), torch.ones(2, 4), Setting(task, precision))
    case()
    is_training = task == 'training'
    dtype = torch.bfloat16 if precision == 'bf16' else torch.float32
    assert case.model.seen == (dtype, is_training, is_training)
    assert case.model.weight.grad is None


def test_outputs_become_one_number_that_all_of_them_change():
    a, b = (torch.ones(3, requires_grad=True) for _ in 'ab')
    total([a, {'b': (b * 2,)}]).backward()
    assert a.grad.all() and b.grad.all()


def benchmark(*args, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / 'tools/benchmark.py', '--rounds', '1', *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


SMALL = ('--shape', '64', '96')


def test_tool_measures_memory_in_training(tmp_path):
    done = benchmark(
        *('sepvit-lite', 'literal', '--memory', '--task', 'training', *SMALL),
        *('--json', 'rows.json'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (group,) = json.loads((tmp_path / 'rows.json').read_text())['groups']
    names = [row['name'] for row in group['rows']]
    assert names == ['sepvit-lite', 'sepvit-lite, literally']
    assert all(row['peak_bytes'] > 0 for row in group['rows'])
    assert '| model | peak GiB | of sepvit-lite, literally |' in done.stdout


def test_tool_compares_with_the_literal_definition_and_peers(tmp_path):
    files = ['--json', 'rows.json', '--markdown', 'table.md']
    models = ['sepvit-lite', 'literal', 'swin-t', 'convnext-t']
    done = benchmark(*models, *SMALL, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / 'rows.json').read_text())
    assert 'torch' in result['machine']
    names = [row['name'] for row in result['groups'][0]['rows']]
    assert names == ['sepvit-lite', 'sepvit-lite, literally', 'swin-t', 'convnext-t']
    table = (tmp_path / 'table.md').read_text()
    assert '1 x 64 x 96' in table and result['machine'] in table
    assert 'speed relative to sepvit-lite, literally' in table
    assert all(f'| {name} |' in table for name in names)
    assert table.strip() in done.stdout


def test_tool_compares_precisions_batches_and_sizes_and_draws_growth(tmp_path):
    done = benchmark(
        *('litv2-s', '--precision', 'fp32', 'bf16', '--batch', '1', '2'),
        *('--shape', '32', '64', '96', '--plot', 'growth.svg', '--json', 'rows.json'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    groups = json.loads((tmp_path / 'rows.json').read_text())['groups']
    assert [(g['batch'], g['shape']) for g in groups] == [
        (batch, [side, side]) for batch in (1, 2) for side in (32, 64, 96)
    ]
    assert {row['name'] for g in groups for row in g['rows']} == {
        'litv2-s, fp32',
        'litv2-s, bf16',
    }
    for name in ('litv2-s, fp32, batch 1', 'litv2-s, bf16, batch 2'):
        assert f'- {name}: time grows with the pixels' in done.stdout
    assert (tmp_path / 'growth.svg').read_text().startswith('<?xml')


@pytest.mark.parametrize('task', ['inference', 'training'])
@pytest.mark.parametrize(
    'name',
    ['atss_sepvit_lite_trees', 'mask_rcnn_sepvit_lite_nuclei', 'sepvit_lite_crowns'],
)
def test_tool_times_whole_models(name, task, tmp_path):
    config = ROOT / f'configs/{name}.py'
    done = benchmark(config, '--task', task, *SMALL, '--batch', '2', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f'{task}, 2 x 64 x 96' in done.stdout and f'| {name} |' in done.stdout


def test_a_model_that_cannot_compute_is_named(tmp_path):
    config = ROOT / 'configs/upernet_sepvit_lite_nuclei.py'
    done = benchmark(config, '--task', 'training', *SMALL, cwd=tmp_path)
    assert done.returncode == 2
    assert 'upernet_sepvit_lite_nuclei cannot compute' in done.stderr
    assert 'Expected more than 1 value per channel' in done.stderr


@pytest.mark.parametrize('steady, measured', [(True, 1), (False, 3)])
def test_an_unsteady_measurement_is_repeated(steady, measured, monkeypatch, capsys):
    calls = []

    def timed(cases, **_):
        calls.append(cases)
        times = [2.0] * 4 if steady else [1.0, 3.0] * 2
        return dict.fromkeys(cases, times)

    monkeypatch.setattr(command, 'time_in_turns', timed)
    assert (
        main(['benchmark', 'sepvit-lite', '--shape', '64', '64', '--rounds', '4']) == 0
    )
    assert len(calls) == measured
    assert ('however often measured' in capsys.readouterr().out) != steady


def test_a_busy_machine_is_said(monkeypatch, capsys):
    monkeypatch.setattr(machine, 'load', lambda: 2.5)
    assert (
        main(['benchmark', 'sepvit-lite', '--shape', '64', '64', '--rounds', '1']) == 0
    )
    assert 'the machine is busy (load 2.5 a core)' in capsys.readouterr().out
