"""Look at the datasets of a config and their transforms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, TRANSFORMS

from ..engine.config import datasets_of

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
        names = names or _metainfo(dataset['type']).get('classes')
        if names and not isinstance(names, str):  # a string names a file
            counts.setdefault(loader, set()).add(len(names))
    return counts


def _datasets(cfg: Config) -> Iterator[tuple[str, ConfigDict]]:
    """Yield the dataloader's key and each of its datasets, wrappers included."""
    for loader in LOADERS:
        for dataset in datasets_of(cfg.get(loader) or {}):
            yield loader, dataset


def _metainfo(dataset: str | type) -> Mapping[str, Any]:
    """Return the METAINFO of a dataset or wrapper class, empty if it has none."""
    if isinstance(dataset, str):
        # get() alone does not search the default scope
        with DATASETS.switch_scope_and_registry(None) as registry:
            dataset = registry.get(dataset)
    return getattr(dataset, 'METAINFO', {})
