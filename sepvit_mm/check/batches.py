"""Check the images of a step, on all GPUs together: their number, and BatchNorm."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.model import BaseModel
from torch.utils.data import DataLoader

from ..engine.config import backward_passes, type_of
from .parts import nodes


def gpus_meant(cfg: Config, gpus: int | None) -> int | None:
    """Return the number of GPUs for training: as given, or as the batches suggest."""
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    if gpus or not (base and batch):
        return gpus
    return max(1, base // (batch * backward_passes(cfg)))


def batch_size(cfg: Config, gpus: int | None) -> Iterator[str]:
    """Find a batch size that the learning rate is not for."""
    scaling = cfg.get('auto_scale_lr') or {}
    base = scaling.get('base_batch_size')
    count = gpus_meant(cfg, gpus)
    each = (cfg.get('train_dataloader') or {}).get('batch_size')
    if not (base and count and each):
        return
    repeats = backward_passes(cfg)
    total = count * each * repeats
    if scaling.get('enable'):
        if repeats > 1:
            yield (
                f'auto_scale_lr scales for {count * each} images a step, but with '
                f'accumulative_counts there are {total}: set base_batch_size to '
                f'{base / repeats:g}'
            )
    elif total != base:
        images = f'{count} GPUs with {each} images each'
        images += f', {repeats} times' if repeats > 1 else ''
        lr = cfg.optim_wrapper.optimizer.get('lr', 1.0)
        enabled = '' if repeats > 1 else 'auto_scale_lr.enable, or '
        yield (
            f'{images}, make {total} a step, but the learning rate {lr:g} is for '
            f'{base}: set {enabled}the rate to {lr * total / base:g}'
        )


def has_sync_bn(cfg: Config) -> bool:
    """Tell whether a model has SyncBN, in a part or, by ``sync_bn``, as a whole."""
    kinds = {type_of(node) for _, node in nodes(cfg.model, 'model')}
    return bool(cfg.get('sync_bn')) or 'SyncBN' in kinds


def lonely_sync_bn(cfg: Config, gpus: int | None) -> Iterator[str]:
    """Find SyncBN in a single process."""
    loader = cfg.get('train_dataloader')
    if loader and has_sync_bn(cfg) and gpus_meant(cfg, gpus) == 1:
        yield (
            'the model has SyncBN, but a single process has none to sync with: it '
            f'becomes BN over {loader.get("batch_size", 1)} images'
        )


def images_normalised(cfg: Config, gpus: int | None, *, most: int = 2) -> int:
    """Return how many images of a step BatchNorm takes its statistics over.

    It fails on a single one if a map is pooled to one pixel. More than a few take only
    memory and time.

    Args:
        cfg: the config.
        gpus: number of GPUs, if known. SyncBN has the images of all; if their number
            is not known, there are several.
        most: the largest number to return. Defaults to 2.
    """
    images = (cfg.get('train_dataloader') or {}).get('batch_size', 1)
    if has_sync_bn(cfg):
        images *= gpus_meant(cfg, gpus) or most
    return min(images, most)


def last_batch(
    cfg: Config, model: BaseModel, loader: DataLoader, gpus: int | None
) -> Iterator[str]:
    """Find a last batch of an epoch on whose single image BatchNorm fails.

    Args:
        cfg: the config.
        model: its model, to train with this image.
        loader: loads the training data.
        gpus: number of GPUs, if known.
    """
    count = gpus_meant(cfg, gpus)
    each = cfg.train_dataloader.get('batch_size', 1)
    if has_sync_bn(cfg) and count != 1:
        return  # it sees the images of all GPUs
    if not isinstance(loader.sampler, DefaultSampler):
        return  # others may have no end
    images = -(-len(loader.sampler.dataset) // (count or 1))
    drops = getattr(loader.batch_sampler, 'drop_last', False)
    if each == 1 or images % each != 1 or drops:
        return
    try:
        model.train()
        batch = loader.collate_fn([loader.dataset[0]])
        with torch.no_grad():
            data = model.data_preprocessor(batch, training=True)
            model(**data, mode='loss')
    except ValueError as error:
        if not is_single_value(error):
            raise
        holder = 'batch_sampler.' if cfg.train_dataloader.get('batch_sampler') else ''
        yield (
            f'the last batch of an epoch has 1 image ({images} in batches of {each}), '
            'and BatchNorm fails on it: set '
            f'train_dataloader.{holder}drop_last=True, or another batch size'
        )


def is_single_value(error: Exception) -> bool:
    """Tell whether an error is BatchNorm's on a single value per channel."""
    return 'Expected more than 1 value per channel' in str(error)
