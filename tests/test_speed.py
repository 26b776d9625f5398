"""The benchmark compares like with like, and writes what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import ROOT

from sepvit_mm.measure.memory import peak_memory
from sepvit_mm.measure.memory import to_markdown as memory_table
from sepvit_mm.measure.speed import summarize, time_in_turns, to_markdown


def test_models_take_turns():
    calls = []
    runs = {name: lambda name=name: calls.append(name) for name in 'ab'}
    seconds = time_in_turns(runs, rounds=3)
    assert calls == list('ab') * 4  # once before the clock starts
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_speed_is_the_median_of_paired_ratios():
    seconds = {'ours': [1.0, 10.0, 2.0], 'theirs': [2.0, 30.0, 2.0]}
    ours, theirs = summarize(seconds, reference='theirs')
    assert (ours['speedup'], ours['median_seconds']) == (2.0, 2.0)
    assert ours['speedup_range'] == [1.0, 3.0]
    assert theirs['speedup'] == 1.0
    assert '| ours | 2.000 | 2.00 | 1.00 to 3.00 |' in to_markdown([ours], 'theirs')


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
    peaks = peak_memory({'one': Allocates(), 'other': Allocates()}, torch.zeros(1))
    assert all(64 <= peak / 2**20 < 96 for peak in peaks.values()), peaks
    table = memory_table({'ours': 3 * 2**30, 'theirs': 2**31}, 'theirs')
    assert '| ours | 3.00 | 1.50 |' in table


def test_tool_measures_memory_without_the_literal_definition(tmp_path):
    done = benchmark('--arch', 'lite', '--memory', '--json', 'rows.json', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / 'rows.json').read_text())['rows']
    assert [row['name'] for row in rows][:2] == ['SepViT-lite', 'Swin-T (timm)']
    assert all(row['peak_bytes'] > 0 for row in rows)
    assert '| model | peak GiB | of Swin-T (timm) |' in done.stdout


def benchmark(*args, cwd: Path) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        ROOT / 'tools/benchmark.py',
        '--shape',
        '64',
        '96',
        '--rounds',
        '1',
        *args,
    ]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_tool_compares_with_the_literal_definition_and_peers(tmp_path):
    files = ['--json', 'rows.json', '--markdown', 'table.md']
    done = benchmark('--arch', 'lite', *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / 'rows.json').read_text())
    names = [row['name'] for row in result['rows']]
    assert names[:2] == ['SepViT-lite', 'literal definition']
    assert len(names) == 4
    table = (tmp_path / 'table.md').read_text()
    assert '1 x 64 x 96' in table
    assert all(f'| {name} |' in table for name in names)
    assert table.strip() in done.stdout


@pytest.mark.parametrize(
    'backbone, model, reference',
    [
        ('LITv2', 'LITv2-small', 'literal definition'),
        # its literal definition would take hours
        ('PaleTransformer', 'PaleTransformer-tiny', 'Swin-T (timm)'),
    ],
)
def test_tool_times_every_backbone(tmp_path, backbone, model, reference):
    done = benchmark('--backbone', backbone, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f'speed relative to {reference}' in done.stdout
    assert f'| {model} |' in done.stdout


def test_tool_names_the_architectures_that_there_are(tmp_path):
    done = benchmark('--backbone', 'LITv2', '--arch', 'lite', cwd=tmp_path)
    assert done.returncode == 2
    assert '--arch is lite, but must be one of base, medium, small' in done.stderr
