"""Check that what counts and ends a run fits together."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

from ..engine.config import type_of


def incomplete(cfg: Config) -> Iterator[str]:
    """Find a training, validation or test of which the config has only some keys."""
    for kind, third in (
        ('train', 'optim_wrapper'),
        ('val', 'val_evaluator'),
        ('test', 'test_evaluator'),
    ):
        keys = (f'{kind}_dataloader', f'{kind}_cfg', third)
        missing = [key for key in keys if cfg.get(key) is None]
        if 0 < len(missing) < len(keys):
            yield (
                f'{" and ".join(missing)} must not be missing: mmengine takes '
                f'{", ".join(keys)} together or not at all'
            )


def uncounted_epochs(cfg: Config) -> Iterator[str]:
    """Find what counts epochs in a training that is one long epoch of iterations."""
    loop = cfg.get('train_cfg') or {}
    if type_of(loop) != 'IterBasedTrainLoop' and loop.get('by_epoch', True):
        return
    schedulers = cfg.get('param_scheduler') or []
    for index, scheduler in enumerate(
        schedulers if isinstance(schedulers, list) else [schedulers]
    ):
        by_epoch = scheduler.get('by_epoch', True)
        if by_epoch and not scheduler.get('convert_to_iter_based'):
            yield (
                f'param_scheduler.{index} ({type_of(scheduler)}) counts epochs, but '
                'train_cfg counts iterations, so it never steps: set by_epoch=False'
            )
    checkpoint = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if type_of(checkpoint) == 'CheckpointHook' and checkpoint.get('by_epoch', True):
        yield (
            'default_hooks.checkpoint counts epochs, but train_cfg counts iterations, '
            'so it saves nothing before the end: set by_epoch=False'
        )
