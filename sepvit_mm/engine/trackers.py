"""Log a training to the experiment trackers that mmengine knows."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from importlib.util import find_spec

from mmengine.config import Config

from ..errors import InputError
from .config import type_of

TRACKERS = {
    'tensorboard': 'TensorboardVisBackend',
    'wandb': 'WandbVisBackend',
    'mlflow': 'MLflowVisBackend',
    'aim': 'AimVisBackend',
    'clearml': 'ClearMLVisBackend',
    'dvclive': 'DVCLiveVisBackend',
}
"""mmengine's backends by tracker; packages have the names of their trackers."""


def log_to(cfg: Config, trackers: Iterable[str]) -> Config:
    """Copy a config, and log its runs to further trackers.

    Losses, learning rates and metrics go there too; the local files remain.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        trackers: keys of :data:`TRACKERS`. One that the config has already keeps the
            config's settings.

    Returns:
        The copy.

    Raises:
        InputError: a tracker is unknown, or its package is not installed.
    """
    cfg = deepcopy(cfg)
    visualizer = cfg.get('visualizer') or dict(type='Visualizer', name='visualizer')
    backends = list(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])
    for name in trackers:
        if name not in TRACKERS:
            raise InputError(f'no tracker {name!r}, there are {", ".join(TRACKERS)}')
        if find_spec(name) is None:
            raise InputError(f'--log {name} needs a package: pip install {name}')
        if TRACKERS[name] not in map(type_of, backends):
            backends.append(dict(type=TRACKERS[name]))
    cfg.visualizer = {**visualizer, 'vis_backends': backends}
    return cfg
