"""Read checkpoint files of any trainer, without running code from them."""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path, PosixPath, PurePosixPath
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.dist import barrier
from mmengine.logging import HistoryBuffer
from torch import Tensor

from ..errors import InputError

# Keys under which trainers store the parameters.
WRAPPERS = ('state_dict', 'model', 'model_ema')
# Prefix of a backbone's names in a whole model.
BACKBONE = 'backbone.'


def _history_method(owner: Any, name: str) -> Any:
    """Stand in for ``getattr``, which mmengine's pickled logs call for statistics."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'Unsupported global getattr({owner}, {name!r})')
    return getattr(HistoryBuffer, name)


class _Settings(dict):
    """Stand in for yacs' settings, which LITv2's training code stores."""


ARRAY, SCALAR = (value.__reduce__()[0] for value in (np.zeros(1), np.float64(0)))
# What trainers store beside the weights and is safe to rebuild: plain data.
SAFE = [
    argparse.Namespace,
    HistoryBuffer,
    (_history_method, 'builtins.getattr'),
    (_Settings, 'yacs.config.CfgNode'),
    np.ndarray,
    np.dtype,
    *{type(np.dtype(kind)) for kind in np.typecodes['All'] if kind != 'O'},
    PosixPath,
    datetime,
    timedelta,
    ARRAY,
    SCALAR,
    # the names in numpy 1
    (ARRAY, 'numpy.core.multiarray._reconstruct'),
    (SCALAR, 'numpy.core.multiarray.scalar'),
]


class CheckpointError(InputError):
    """A checkpoint cannot be read, or does not fit."""


def read_state_dict(checkpoint: str | Path) -> dict[str, Tensor]:
    """Read the parameters in a checkpoint, under whatever key they are.

    Args:
        checkpoint: a ``.safetensors`` file, a file that ``torch.save`` wrote, or the
            http(s) address of either. Parameters may be under ``state_dict``, ``model``
            or ``model_ema``, the first of these that exists; a prefix ``module.`` is
            removed.

    Returns:
        Tensors by name, on the CPU.

    Raises:
        CheckpointError: the file does not exist, cannot be downloaded or read, holds
            more than plain data, or has no tensors in it.
    """
    return unwrap(read_file(checkpoint), checkpoint)[0]


def unwrap(content: Any, origin: str | Path) -> tuple[dict[str, Tensor], str | None]:
    """Find the parameters in the content of a checkpoint.

    Args:
        content: what :func:`read_file` returned.
        origin: the file's name in error messages.

    Returns:
        Tensors by name, and the key that they were under, if any.

    Raises:
        CheckpointError: there are no tensors in it.
    """
    wrapper = None
    if isinstance(content, Mapping):
        wrapper = next((key for key in WRAPPERS if key in content), None)
    held = content if wrapper is None else content[wrapper]
    state = {
        str(name).removeprefix('module.'): value
        for name, value in (held.items() if isinstance(held, Mapping) else ())
        if isinstance(value, Tensor)
    }
    if not state:
        found = list(content)[:8] if isinstance(content, Mapping) else type(content)
        raise CheckpointError(
            f'no parameters in {origin}: it holds {found}, but needs tensors by name, '
            f'alone or under one of {", ".join(WRAPPERS)}'
        )
    return state, wrapper


def read_file(checkpoint: str | Path) -> Any:
    """Read a checkpoint file without running code from it.

    Args:
        checkpoint: as for :func:`read_state_dict`.

    Returns:
        The content of the file, with tensors on the CPU.

    Raises:
        CheckpointError: the file does not exist, cannot be downloaded or read, or holds
            more than plain data.
    """
    name = str(checkpoint)
    path = _download(name) if name.startswith(('http://', 'https://')) else Path(name)
    if not path.is_file():
        raise CheckpointError(f'checkpoint not found: {checkpoint}')
    try:
        if path.suffix == '.safetensors':
            from safetensors.torch import load_file  # an optional dependency

            return load_file(path)
        with torch.serialization.safe_globals(SAFE):
            return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        if not _is_refused_class(error):
            raise CheckpointError(f'cannot read {checkpoint}: {error}') from error
        raise CheckpointError(
            f'{checkpoint} holds more than plain data, and reading it could run code: '
            f'{_refused_class(error)}. If you trust whoever made it, strip it once: '
            f"python -c \"import torch; c = torch.load('{path}', map_location='cpu', "
            "weights_only=False); torch.save(c.get('state_dict', c.get('model', c)), "
            "'stripped.pth')\""
        ) from error
    except ImportError as error:
        raise CheckpointError(
            f'cannot read {checkpoint}: pip install safetensors'
        ) from error
    except Exception as error:  # of any kind, depending on the file
        raise CheckpointError(f'cannot read {checkpoint} ({path}): {error}') from error


def _is_refused_class(error: Exception) -> bool:
    words = ('Unsupported global', 'Unsupported class', 'Can only build')
    return any(word in str(error) for word in words)


def _refused_class(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if 'Unsupported' in line), lines[0])


def _download(url: str) -> Path:
    """Download a file into torch's cache once, in one process per machine."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    name = f'{digest}-{PurePosixPath(urlparse(url).path).name}'
    path = Path(torch.hub.get_dir()) / 'checkpoints' / name
    is_first = int(os.environ.get('LOCAL_RANK', 0)) == 0
    try:
        if is_first and not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path))
    except (URLError, OSError) as error:
        raise CheckpointError(
            f'cannot download {url}: {getattr(error, "reason", error)}. Download it '
            'elsewhere, and give the file instead'
        ) from error
    finally:
        barrier()
    return path
