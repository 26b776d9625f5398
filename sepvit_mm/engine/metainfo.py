"""What a trained model's classes are called, and in what colours they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS

from ..checkpoints import read_file
from ..errors import InputError
from .config import datasets_of


def tested_dataset(cfg: Config) -> Any:
    """Return the settings of the innermost test dataset with a pipeline.

    Args:
        cfg: from :func:`load_config`.

    Raises:
        InputError: there is none.
    """
    found = [
        dataset
        for dataset in datasets_of(cfg.get('test_dataloader') or {})
        if dataset.get('pipeline')
    ]
    if not found:
        raise InputError(f'{cfg.filename} has no test_dataloader with a pipeline')
    return found[-1]


def meta_of(cfg: Config, checkpoint: str | Path) -> dict[str, Any]:
    """Find the classes and colours: the config's, the checkpoint's, the dataset's.

    Args:
        cfg: from :func:`load_config`, with its library's scope initialised.
        checkpoint: a file or an address.

    Returns:
        Such as ``classes`` and ``palette``, in lower case.
    """
    dataset = tested_dataset(cfg)
    kind = DATASETS.get(dataset.type)
    meta = {k.lower(): v for k, v in (getattr(kind, 'METAINFO', None) or {}).items()}
    content = read_file(checkpoint)
    saved = content.get('meta', {}) if isinstance(content, Mapping) else {}
    saved = saved.get('dataset_meta') if isinstance(saved, Mapping) else None
    for source in (saved, dataset.get('metainfo')):
        if isinstance(source, Mapping):
            meta.update({str(key).lower(): value for key, value in source.items()})
    return meta
