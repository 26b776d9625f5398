"""Read what a training left in its work dir: curves, log, config, checkpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checkpoints.fill import REPORT
from ..checkpoints.whole import latest_checkpoint
from ..errors import InputError

Series = dict[str, list[tuple[float, float]]]
"""Values by name: pairs of the step and the value."""

STAMP = re.compile(r'\d{8}_\d{6}')  # how mmengine names the folder of a run
COUNTERS = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory'}
# what the log says of weights that were loaded
WEIGHTS = re.compile(
    r'fill|loads checkpoint|load checkpoint|init_cfg|from scratch', re.IGNORECASE
)


@dataclass
class History:
    """What a training left.

    Attributes:
        work_dir: the folder.
        runs: timestamps of the runs in it, the oldest first.
        training: loss, learning rate and the like, by name.
        metrics: those of validations, by name.
        config: the resolved config that mmengine wrote; None if there is none.
        checkpoint: the best checkpoint, else the last; None if there is none.
        is_best: whether it is the best one.
        environment: versions, machine and seed, by name.
        coverage: what pretrained weights filled of the backbone, by name.
        weights: lines of the log about weights that were loaded.
        missing: what is not there, one sentence each.
    """

    work_dir: Path
    runs: list[str] = field(default_factory=list)
    training: Series = field(default_factory=dict)
    metrics: Series = field(default_factory=dict)
    config: Path | None = None
    checkpoint: Path | None = None
    is_best: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    coverage: dict[str, str] = field(default_factory=dict)
    weights: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def read_history(work_dir: str | Path) -> History:
    """Read a work dir of mmengine.

    Args:
        work_dir: the folder that training wrote to. Several runs in it are joined: a
            later run replaces what earlier ones wrote from its first step on.

    Raises:
        InputError: the folder does not exist, or no training has written to it.
    """
    folder = Path(work_dir)
    if not folder.is_dir():
        raise InputError(f'{folder} is not a folder; name the work dir of a training')
    stamps = sorted(
        path for path in folder.iterdir() if path.is_dir() and STAMP.match(path.name)
    )
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    checkpoint, is_best = _checkpoint(folder)
    if not (stamps or configs or checkpoint):
        raise InputError(
            f'{folder} has no run, no config and no checkpoint; name the work dir of a '
            'training, e.g. work_dirs/NAME'
        )
    history = History(
        folder,
        config=configs[-1] if configs else None,
        checkpoint=checkpoint,
        is_best=is_best,
    )
    for stamp in stamps:
        lines = [*_json_lines(stamp / 'vis_data/scalars.json')]
        training = [line for line in lines if 'loss' in line]
        if not training:
            continue  # a test, or a run that ended at once
        history.runs.append(stamp.name)
        _join(history.training, training)
        _join(history.metrics, [line for line in lines if 'loss' not in line])
        history.coverage.update(_coverage(stamp / REPORT))
        for log in sorted(stamp.glob('*.log')):
            _read_log(log.read_text(errors='replace'), history)
    history.missing += _missing(history)
    return history


def _checkpoint(folder: Path) -> tuple[Path | None, bool]:
    best = sorted(folder.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if best:
        return best[-1], True
    return latest_checkpoint(folder), False


def _json_lines(path: Path) -> Iterable[dict[str, Any]]:
    """Yield the lines of a file; the last may be cut short by a crash."""
    text = path.read_text(errors='replace') if path.is_file() else ''
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get('step'), (int, float)):
            yield entry


def _join(series: Series, lines: list[dict[str, Any]]) -> None:
    if not lines:
        return
    first = min(line['step'] for line in lines)
    for name, points in series.items():
        series[name] = [point for point in points if point[0] < first]
    for line in lines:
        for name, value in line.items():
            # pycocotools writes -1 where there is no object to find
            if name not in COUNTERS and isinstance(value, (int, float)) and value != -1:
                series.setdefault(name, []).append((line['step'], value))


def _read_log(text: str, history: History) -> None:
    for label, name in (
        ('Python', 'Python'),
        ('CUDA available', 'GPU available'),
        ('GPU 0', 'GPU'),
        ('PyTorch', 'PyTorch'),
        ('TorchVision', 'torchvision'),
        ('OpenCV', 'OpenCV'),
        ('MMEngine', 'mmengine'),
        ('seed', 'seed'),
        ('Distributed training', 'distributed'),
        ('GPU number', 'processes'),
    ):
        if found := re.search(rf'^ +{label}: (.+)$', text, re.MULTILINE):
            history.environment[name] = found[1].strip()
    for line in text.splitlines():
        said = line.partition(' - ')[2].partition(' - ')[2]
        if said and WEIGHTS.search(said) and len(said) < 400:
            if said not in history.weights and len(history.weights) < 20:
                history.weights.append(said)


def _coverage(path: Path) -> dict[str, str]:
    """Read the file that filling a backbone leaves beside the log, lists as counts."""
    content = json.loads(path.read_text()) if path.is_file() else {}
    return {
        key: f'{len(value)} parameters'
        if isinstance(value, (list, dict))
        else str(value)
        for key, value in content.items()
    }


def _missing(history: History) -> Iterable[str]:
    where = history.work_dir
    if not history.training:
        yield f'{where} has no training records (vis_data/scalars.json): no curves.'
    elif not history.metrics:
        yield f'{where} has no validation yet: no metrics over time.'
    if history.checkpoint is None:
        yield f'{where} has no complete checkpoint: nothing is evaluated.'
    if history.config is None:
        yield f'{where} has no config: nothing is evaluated.'
