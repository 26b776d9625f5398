"""Read what training left in a folder: config, checkpoint, log, machine, weights."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from ..checkpoints.fill import REPORT
from ..checkpoints.whole import best_checkpoint, latest_checkpoint
from ..errors import InputError
from .history import History, read_history
from .parts import counted

# What mmengine's log tells of the machine, by the names in the log.
FACTS = re.compile(
    r'^ +(sys\.platform|Python|CUDA available|GPU [\d,]+|PyTorch|TorchVision|OpenCV'
    r'|MMEngine|seed|Distributed launcher): (.+)$',
    re.MULTILINE,
)


@dataclass(frozen=True)
class WorkDir:
    """A run, as far as it left something.

    Attributes:
        folder: where it wrote.
        name: short name, of the folder.
        history: losses, rates and metrics.
        config: the config as mmengine dumped it; None if there is none.
        checkpoint: the best one, else the last one; None if there is none.
        is_best: whether training chose the checkpoint by a metric.
        facts: machine, versions and seed of the last training, as its log has them.
        weights: what filled the model before training, in words.
        missing: a sentence for each thing that is not there.
    """

    folder: Path
    name: str
    history: History
    config: Path | None
    checkpoint: Path | None
    is_best: bool
    facts: dict[str, str]
    weights: list[str]
    missing: list[str] = field(default_factory=list)


def read_work_dir(folder: str | Path) -> WorkDir:
    """Read what a run left.

    Args:
        folder: the work dir of ``train``.

    Raises:
        InputError: the folder does not exist, or nothing in it is from a run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f'{folder} is not a folder: give the work dir of a training')
    history = read_history(folder)
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    best = best_checkpoint(folder)
    checkpoint = best or latest_checkpoint(folder)
    if not (history.sessions or configs or checkpoint):
        raise InputError(
            f'{folder} has no config, log or checkpoint of a run: give the work dir '
            'that train wrote to'
        )
    missing = []
    if not history.sessions:
        missing.append(f'{folder} has no log of a training (*/vis_data/scalars.json).')
    if history.unreadable:
        missing.append(
            f'{counted(history.unreadable, "line")} of the log cannot be read; the '
            'rest is shown.'
        )
    if not configs:
        missing.append(f'{folder} has no config (*.py), so nothing was predicted.')
    elif len(configs) > 1:
        missing.append(
            f'{folder} has {len(configs)} configs; the newest, {configs[-1].name}, '
            'is used.'
        )
    if checkpoint is None:
        missing.append(f'{folder} has no complete checkpoint: nothing was predicted.')
    return WorkDir(
        folder=folder,
        name=_name(folder.resolve()),
        history=history,
        config=configs[-1] if configs else None,
        checkpoint=checkpoint,
        is_best=best is not None,
        facts=_facts(folder),
        weights=_weights(folder),
        missing=missing,
    )


def _name(folder: Path) -> str:
    """Return a short name; a project's, whose work dir is only called run."""
    return folder.parent.name if folder.name == 'run' else folder.name


def _facts(folder: Path) -> dict[str, str]:
    """Read the machine from the last log of a training."""
    for path in sorted(folder.glob('*/*.log'), reverse=True):
        if not (path.parent / 'vis_data/scalars.json').exists():
            continue
        with path.open(errors='replace') as file:
            start = file.read(100_000)
        return dict(FACTS.findall(start.partition('Config:')[0]))
    return {}


def _weights(folder: Path) -> list[str]:
    """Say what the reports on pretrained weights say."""
    words = []
    for path in sorted(folder.glob(f'*/{REPORT}')):
        try:
            report = json.loads(path.read_text())
            words.append(
                f'{report["checkpoint"]} filled {report["filled"]:.1%} of the '
                f'backbone; {report["used"]:.1%} of the file was used'
            )
        except (ValueError, KeyError, TypeError):
            words.append(f'{path} cannot be read')
    return list(dict.fromkeys(words))
