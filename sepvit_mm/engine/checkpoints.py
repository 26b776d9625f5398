"""Find the checkpoint to go on from; load one entirely or not at all."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from textwrap import shorten

from mmengine.runner import load_checkpoint
from torch import nn

from .config import InputError


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
        checkpoint: A file or an address that mmengine can load.

    Raises:
        InputError: The file is missing or unreadable, or keys are missing,
            unexpected or of another size; they are named.
    """
    try:
        load_checkpoint(model, str(checkpoint), map_location='cpu', strict=True)
    except FileNotFoundError as error:
        raise InputError(f'checkpoint not found: {checkpoint}') from error
    except Exception as error:  # torch raises by file content: pickle, zip, EOF, ...
        reason = '; '.join(
            shorten(line, 400) for line in str(error).split('\n') if line
        )
        raise InputError(f'cannot load checkpoint {checkpoint}: {reason}') from error
