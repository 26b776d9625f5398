"""Find the checkpoint to go on from; load one entirely or not at all."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from textwrap import shorten

from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from ..checkpoints import CheckpointError, read_state_dict


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """The furthest complete checkpoint that training left in a work dir.

    A file that was being written when the machine went down is passed over:
    mmengine's own look-up trusts the name in ``last_checkpoint``, which may reach
    the disk before the checkpoint's last bytes do.

    Args:
        work_dir: A folder with ``epoch_*.pth`` or ``iter_*.pth``; need not exist.
    """
    steps = {
        int(match[1]): path
        for path in Path(work_dir).glob('*.pth')
        if (match := re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name))
    }
    for step in sorted(steps, reverse=True):
        # a zip archive's directory is its very end: a cut file has none
        if zipfile.is_zipfile(steps[step]):
            return steps[step]
    return None


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
