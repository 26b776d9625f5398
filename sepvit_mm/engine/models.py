"""Build what a config describes."""

from __future__ import annotations

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS, init_default_scope
from torch import nn


def build_model(cfg: Config, *, device: str | torch.device = 'cpu') -> nn.Module:
    """Build a config's model for one process, its weights not initialised.

    Args:
        cfg: From :func:`load_config`; left unchanged.
        device: Where to put it. On ``'meta'`` it takes no memory and no time.

    Returns:
        The model, in training mode; SyncBN is plain batch norm.
    """
    init_default_scope(cfg.get('default_scope', 'mmengine'))
    with torch.device(device):
        return revert_sync_batchnorm(MODELS.build(cfg.model))
