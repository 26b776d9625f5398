"""Look at the datasets of a config and their transforms."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config, ConfigDict
from mmengine.registry import TRANSFORMS

from ..engine.config import datasets_of
from ..engine.sources import class_of

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def build_transforms(cfg: Config) -> None:
    """Build all transforms, which fails if one no longer exists."""
    for _, dataset in _datasets(cfg):
        for transform in dataset.get('pipeline') or []:
            TRANSFORMS.build(transform)


def numbers_of_classes(cfg: Config) -> dict[str, set[int]]:
    """Return the numbers of classes in the data, where known, by dataloader."""
    counts: dict[str, set[int]] = {}
    for loader, dataset in _datasets(cfg):
        names = (dataset.get('metainfo') or {}).get('classes')
        names = names or getattr(class_of(dataset), 'METAINFO', {}).get('classes')
        if names and not isinstance(names, str):  # a string names a file
            counts.setdefault(loader, set()).add(len(names))
    return counts


def _datasets(cfg: Config) -> Iterator[tuple[str, ConfigDict]]:
    """Yield the dataloader's key and each of its datasets, wrappers included."""
    for loader in LOADERS:
        for dataset in datasets_of(cfg.get(loader) or {}):
            yield loader, dataset
