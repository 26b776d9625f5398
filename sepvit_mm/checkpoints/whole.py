"""Load whole models: find the last checkpoint, load one entirely or not at all."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from textwrap import shorten

from mmengine.model import is_model_wrapper
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from .files import CheckpointError, read_file, read_state_dict
from .fill import share

LEAST_FILLED = 0.5  # of a model, by a file that training starts from


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Find the last complete checkpoint that training left in a folder.

    It is the one that the file ``last_checkpoint`` names, as in mmengine, unless the
    machine went down before it was written to the end; then it is the newest complete
    one. Numbers do not decide, since another run may have left higher ones.

    Args:
        work_dir: a folder with ``epoch_*.pth`` or ``iter_*.pth``; need not exist.

    Returns:
        The checkpoint, or None where there is no complete one.
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
        # The directory of a zip archive is at its very end: a file cut short has none.
        if zipfile.is_zipfile(path):
            return path
    return None


def require_fit(model: nn.Module, checkpoint: str | Path) -> None:
    """Refuse to start training from a file that has little in common with the model.

    mmengine loads what fits and warns of the rest, so that training from a file with
    other names would start from noise. A new head for other classes is accepted.

    Args:
        model: the model, possibly wrapped (DDP).
        checkpoint: a file or an address, as for
            :func:`sepvit_mm.checkpoints.read_state_dict`.

    Raises:
        CheckpointError: the file is missing or unreadable, or fills less than half of
            the model.
    """
    content = read_file(checkpoint)
    # As mmengine will read it: no other wrapper than `state_dict`.
    state = content.get('state_dict', content) if isinstance(content, dict) else {}
    state = {str(name).removeprefix('module.'): v for name, v in state.items()}
    bare = model.get_submodule('module') if is_model_wrapper(model) else model
    target = bare.state_dict()
    fitting = [
        name
        for name, place in target.items()
        if getattr(state.get(name), 'shape', None) == place.shape
    ]
    filled = share(fitting, target)
    if filled < LEAST_FILLED:
        raise CheckpointError(
            f'load_from {checkpoint} fills {filled:.0%} of the model, at least '
            f'{LEAST_FILLED:.0%} are needed. Its names are '
            f'{shorten(", ".join(state), 200)}. tools/convert_checkpoint.py converts '
            "the authors' files; model.backbone.init_cfg fills the backbone alone"
        )


def load_entirely(model: nn.Module, checkpoint: str | Path) -> None:
    """Load a checkpoint that must fit the model in every parameter.

    Args:
        model: the model, possibly wrapped (DDP, test-time augmentation).
        checkpoint: a file or an address, as for
            :func:`sepvit_mm.checkpoints.read_state_dict`.

    Raises:
        CheckpointError: the file is missing or unreadable, or parameters are missing,
            unexpected or of another shape; they are named.
    """
    state = read_state_dict(checkpoint)
    try:
        load_state_dict(model, state, strict=True)
    except RuntimeError as error:
        lines = filter(None, str(error).split('\n'))
        reason = '; '.join(shorten(line, 400) for line in lines)
        raise CheckpointError(
            f'cannot load checkpoint {checkpoint}: {reason}'
        ) from error
