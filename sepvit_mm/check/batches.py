"""Check what depends on the number of GPUs: the images of a step, and SyncBN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from ..engine.config import backward_passes, type_of


def gpus_meant(cfg: Config, gpus: int | None) -> int | None:
    """Return the number of GPUs for training: as given, or as the batches suggest."""
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = cfg.train_dataloader.get('batch_size')
    if gpus or not (base and batch):
        return gpus
    return max(1, base // (batch * backward_passes(cfg)))


def batch_size(cfg: Config, gpus: int | None) -> Iterator[str]:
    """Find a batch size that the learning rate is not for."""
    scaling = cfg.get('auto_scale_lr') or {}
    base = scaling.get('base_batch_size')
    count = gpus_meant(cfg, gpus)
    each = cfg.train_dataloader.get('batch_size')
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


def lonely_sync_bn(cfg: Config, gpus: int | None) -> Iterator[str]:
    """Find SyncBN in a single process."""

    def uses(node: Any) -> bool:
        if isinstance(node, Mapping):
            return type_of(node) == 'SyncBN' or any(map(uses, node.values()))
        return isinstance(node, (list, tuple)) and any(map(uses, node))

    if (cfg.get('sync_bn') or uses(cfg.model)) and gpus_meant(cfg, gpus) == 1:
        yield (
            'the model has SyncBN, but a single process has none to sync with: it '
            f'becomes BN over {cfg.train_dataloader.batch_size} images'
        )
