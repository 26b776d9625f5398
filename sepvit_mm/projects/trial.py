"""Train a few steps of a config on trial, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from tempfile import TemporaryDirectory

from mmengine.config import Config
from mmengine.runner import Runner

from ..check.run import own_instances
from ..engine import train
from .status import StepStatus, status


@contextmanager
def trial(cfg: Config, *, steps: int, purpose: str) -> Iterator[Runner]:
    """Train a few steps from the start of a config, always with the same seed.

    Args:
        cfg: from :func:`load_config`; left unchanged. Nothing is written to its work
            dir, and nothing is evaluated.
        steps: number of steps.
        purpose: what for, to show it on the terminal.

    Yields:
        The runner after those steps.
    """
    cfg = deepcopy(cfg)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps)
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator'):
        cfg[key] = None
    cfg.default_hooks.checkpoint = None
    cfg.log_level = 'ERROR'
    cfg.visualizer.vis_backends = []
    with own_instances(), TemporaryDirectory() as folder, status(purpose):
        cfg.work_dir = folder
        counter = dict(type=StepStatus.__name__, purpose=purpose)
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), counter]
        yield train(cfg, seed=0)
