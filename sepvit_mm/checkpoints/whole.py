"""Find the checkpoint to go on from; load one entirely or not at all."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from textwrap import shorten

from mmengine.model import is_model_wrapper
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from .files import CheckpointError, read_file, read_state_dict

LEAST_FIT = 0.5  # of the model, by a file that training starts from


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """The last complete checkpoint that training left in a work dir.

    It is the one that ``last_checkpoint`` names, as mmengine's own look-up has it,
    unless the machine went down before all of it was on the disk; then the newest
    complete one. Another run may have left files of higher numbers.

    Args:
        work_dir: A folder with ``epoch_*.pth`` or ``iter_*.pth``; need not exist.
    """
    work_dir = Path(work_dir)
    steps = {
        path: int(match[1])
        for path in work_dir.glob('*.pth')
        if (match := re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name))
    }
    note = work_dir / 'last_checkpoint'
    named = work_dir / Path(note.read_text().strip()).name if note.is_file() else None

    def rank(path: Path) -> tuple[bool, float, int]:
        return path == named, path.stat().st_mtime, steps[path]

    for path in sorted(steps, key=rank, reverse=True):
        # a zip archive's directory is its very end: a cut file has none
        if zipfile.is_zipfile(path):
            return path
    return None


def require_fit(model: nn.Module, checkpoint: str | Path) -> None:
    """Refuse a file to start from that mmengine would hardly load anything of.

    It loads what fits and warns of the rest; from a file whose names are others
    training would start from noise. A new head for other classes is none of that.

    Args:
        model: The model, possibly wrapped (DDP).
        checkpoint: A file or an address, as for
            :func:`sepvit_mm.checkpoints.read_state_dict`.

    Raises:
        CheckpointError: The file is missing or unreadable, or fills less than half of
            the model.
    """
    content = read_file(checkpoint)
    state = content.get('state_dict', content) if isinstance(content, dict) else {}
    state = {str(name).removeprefix('module.'): v for name, v in state.items()}
    target = (model.module if is_model_wrapper(model) else model).state_dict()
    fitting = [
        value.numel()
        for name, value in target.items()
        if getattr(state.get(name), 'shape', None) == value.shape
    ]
    filled = sum(fitting) / sum(value.numel() for value in target.values())
    if filled < LEAST_FIT:
        raise CheckpointError(
            f'load_from {checkpoint} fills {filled:.0%} of the model, at least '
            f'{LEAST_FIT:.0%} are needed. Its names are '
            f'{shorten(", ".join(state), 200)}. tools/convert_checkpoint.py converts '
            "the authors' files; model.backbone.init_cfg fills the backbone alone"
        )


def load_entirely(model: nn.Module, checkpoint: str | Path) -> None:
    """Load a checkpoint that must fit the model key by key.

    Args:
        model: The model, possibly wrapped (DDP, test time augmentation).
        checkpoint: A file or an address, as for
            :func:`sepvit_mm.checkpoints.read_state_dict`.

    Raises:
        CheckpointError: The file is missing or unreadable, or keys are missing,
            unexpected or of another size; they are named.
    """
    state = read_state_dict(checkpoint)
    try:
        load_state_dict(model, state, strict=True)
    except RuntimeError as error:
        reason = '; '.join(
            shorten(line, 400) for line in str(error).split('\n') if line
        )
        raise CheckpointError(
            f'cannot load checkpoint {checkpoint}: {reason}'
        ) from error
