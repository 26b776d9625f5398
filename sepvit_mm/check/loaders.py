"""Build the dataloaders of a config, on its data or on stand-ins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ..engine.config import type_of
from ..errors import InputError
from .data import LOADERS
from .explain import explained

# In a batch on data. A batch that fits into a GPU's memory may not fit into this
# machine's, and beyond a few images nothing new can go wrong.
MOST_IMAGES = 8

Loaders = dict[str, DataLoader]


def stand_ins(cfg: Config) -> Loaders:
    """Build the dataloaders of a config around a dataset of two numbers.

    Raises:
        InputError: the settings of a dataloader contradict each other.
    """
    loaders = {}
    for key in LOADERS:
        if cfg.get(key) is not None:
            settings = deepcopy(cfg[key])
            if settings.pop('batch_sampler', None) is not None:
                settings.pop('drop_last', None)
            settings.sampler = dict(type='DefaultSampler', shuffle=False)
            settings = {**settings, 'dataset': [0, 1]}
            with explained(cfg, key):
                Runner.build_dataloader(settings, seed=0)  # with its workers
            loaders[key] = _build(cfg, key, settings)
    return loaders


def on_data(cfg: Config, images: int) -> Loaders:
    """Build the dataloaders of a config on their data, to run in this process.

    Args:
        cfg: the config.
        images: number of images in a batch of training. Other batches have at most
            two.

    Raises:
        InputError: a dataset has no images, or it or its dataloader cannot be built.
    """
    done: Loaders = {}
    for key in stand_ins(cfg):  # it finds contradictions before any data is read
        same = next((k for k in done if cfg[k] == cfg[key]), None)
        if same is not None:  # as the test's often is the validation's
            done[key] = done[same]
            continue
        settings = deepcopy(cfg[key])
        dataset = _dataset(cfg, key, settings.pop('dataset'))
        if key == 'train_dataloader':
            settings.batch_size = images
        else:
            settings.batch_size = min(settings.get('batch_size', 1), 2)
        done[key] = _build(cfg, key, {**settings, 'dataset': dataset})
    return done


def _dataset(cfg: Config, key: str, settings: ConfigDict) -> Any:
    """Build a dataset that has images."""
    at = f'{key}.dataset'
    with explained(cfg, at):
        try:
            dataset = DATASETS.build(deepcopy(settings))
            if hasattr(dataset, 'full_init'):
                dataset.full_init()
            count = len(dataset)
        except ValueError as error:
            # what mmengine says when it puts the list of no images into one array
            if 'need at least one array to concatenate' not in str(error):
                raise
            count = 0
    if count == 0:
        raise InputError(
            f'{at} ({type_of(settings)}) has no images: its files list none, or '
            'filter_cfg and the classes leave none of them'
        )
    return dataset


def _build(cfg: Config, key: str, settings: Mapping[str, Any]) -> DataLoader:
    """Build a dataloader that runs in this process."""
    alone = {**settings, 'num_workers': 0, 'persistent_workers': False}
    for name in ('prefetch_factor', 'timeout'):  # for workers only
        alone.pop(name, None)
    with explained(cfg, key):
        return Runner.build_dataloader(alone, seed=0)


def samples(dataset: Any, most: int) -> Iterator[Any]:
    """Yield samples from all over a dataset, at most so many."""
    for index in range(0, len(dataset), max(1, -(-len(dataset) // most))):
        yield dataset[index]
