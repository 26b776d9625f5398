"""Load whole models: find the last checkpoint, and load it entirely or not at all."""

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

LEAST_FILLED = 0.5  # share of a model that `load_from` must fill


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Find the last complete checkpoint that training left in a folder.

    It is the one that the file ``last_checkpoint`` names, as in mmengine, or the newest
    complete one if that was cut short. Numbers do not decide, since another run may
    have left higher ones.

    Args:
        work_dir: a folder with ``epoch_*.pth`` or ``iter_*.pth``; need not exist.

    Returns:
        The checkpoint, or None if there is no complete one.
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
        # The directory of a zip archive is at its end, so a file cut short has none.
        if zipfile.is_zipfile(path):
            return path
    return None


def best_checkpoint(work_dir: str | Path) -> Path | None:
    """Find the newest complete checkpoint that ``save_best`` kept in a folder.

    Args:
        work_dir: a folder with ``best_*.pth``; need not exist.

    Returns:
        The checkpoint, or None if there is no complete one.
    """
    kept = filter(zipfile.is_zipfile, Path(work_dir).glob('best_*.pth'))
    return max(kept, key=lambda path: path.stat().st_mtime, default=None)


def require_fit(model: nn.Module, checkpoint: str | Path) -> None:
    """Raise an error if a file to start training from fills little of the model.

    mmengine loads what fits and warns about the rest, so with a file of other names
    training would start from noise. A new head for other classes is accepted.

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
            f'load_from {checkpoint} fills {filled:.0%} of the model, but must fill at '
            f'least {LEAST_FILLED:.0%}. Its names are '
            f"{shorten(', '.join(state), 200)}. To convert the authors' files, use "
            'sepvit-mm convert; to fill the backbone alone, model.backbone.init_cfg'
        )


def load_entirely(model: nn.Module, checkpoint: str | Path) -> None:
    """Load a checkpoint that must fit the model in every parameter.

    Args:
        model: the model, possibly wrapped (DDP, test-time augmentation).
        checkpoint: a file or an address, as for
            :func:`sepvit_mm.checkpoints.read_state_dict`.

    Raises:
        CheckpointError: the file is missing or unreadable, or parameters are missing,
            unexpected or of another shape; the message names them.
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
