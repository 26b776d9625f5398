"""Build the model, optimizer and schedulers of a config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.optim import OptimWrapper, _ParamScheduler, build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, init_default_scope
from torch import nn
from torch.optim import Optimizer

from ..errors import InputError
from .precision import in_float32


def build_model(cfg: Config, *, device: str | torch.device = 'cpu') -> BaseModel:
    """Build a config's model for one process, without initialising its weights.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        device: where to put it; on 'meta' it takes neither memory nor time. Defaults
            to 'cpu'.

    Returns:
        The model, in training mode, with plain batch norm in place of SyncBN.
    """
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    model = dict(cfg.model)
    if cfg.get('data_preprocessor') is not None:  # as the Runner does
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    with torch.device(device):
        return revert_sync_batchnorm(MODELS.build(model))


def build_optimizer(cfg: Config, model: nn.Module) -> OptimWrapper:
    """Build a config's optimizer for its model, without mixed precision.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        model: the config's model, from :func:`build_model`.
    """
    return build_optim_wrapper(model, in_float32(cfg.optim_wrapper))


def build_scheduler(cfg: Mapping[str, Any], optimizer: Optimizer) -> _ParamScheduler:
    """Build one scheduler of a config, in the config's own unit of time.

    Args:
        cfg: an entry of ``param_scheduler``. ``convert_to_iter_based`` is ignored: it
            needs the length of an epoch, and only takes finer steps on the same curve.
        optimizer: the optimizer whose settings it schedules.
    """
    settings = {key: cfg[key] for key in cfg if key != 'convert_to_iter_based'}
    return PARAM_SCHEDULERS.build(settings, default_args=dict(optimizer=optimizer))


def find_device(name: str | None) -> torch.device:
    """Return the device of this name, once it has held a number.

    Args:
        name: such as 'cuda:1'; None for a GPU if there is one, else the CPU.

    Raises:
        InputError: the device cannot be used.
    """
    try:
        device = torch.device(name or ('cuda' if torch.cuda.is_available() else 'cpu'))
        torch.zeros(1, device=device)
    except (AssertionError, RuntimeError) as error:
        reason = str(error).partition('\n')[0]
        raise InputError(f'--device {name} cannot be used: {reason}') from error
    return device
