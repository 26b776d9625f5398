"""Vary the training of any config, without a new config file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Literal

from mmengine.config import Config

from ..backbones.arch import require_one_of
from ..errors import InputError
from ..plugins.compilation import CompileBackboneHook
from .config import type_of
from .precision import in_float32

Precision = Literal['float16', 'bfloat16']
LAYER_DECAY = 'LayerDecayOptimWrapperConstructor'


def vary(
    cfg: Config,
    *,
    amp: Precision | None = None,
    ema: float | None = None,
    checkpointing: bool = False,
    layer_decay: float | None = None,
    compiler: str | None = None,
) -> Config:
    """Copy a config and vary its training.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        amp: train in mixed precision with this type: 'float16', with dynamic loss
            scaling, or 'bfloat16', which needs none, and which some CPUs have, too.
            Defaults to the config's own.
        ema: evaluate and save an exponential moving average of the weights, of
            which each step replaces this share, in (0, 1). Defaults to the config's
            own.
        checkpointing: recompute the backbone's activations in the backward pass instead
            of storing them. Defaults to the config's own.
        layer_decay: learning rate of each backbone layer relative to the layer above
            it, in (0, 1]. Defaults to the config's own.
        compiler: compile the backbone with this backend of ``torch.compile``, using
            :class:`sepvit_mm.CompileBackboneHook`. Defaults to the config's own.

    Returns:
        The copy.

    Raises:
        InputError: an argument is out of range, or conflicts with the config.
    """
    cfg = deepcopy(cfg)
    if amp is not None:
        _mix_precision(cfg, amp)
    if ema is not None:
        _average_weights(cfg, ema)
    if checkpointing:
        _require_backbone(cfg)
        cfg.model.backbone.with_cp = True
    if layer_decay is not None:
        _decay_by_layer(cfg, layer_decay)
    if compiler is not None:
        _compile_backbone(cfg, compiler)
    return cfg


def _mix_precision(cfg: Config, dtype: Precision) -> None:
    with _refusing():
        require_one_of('amp', dtype, Precision)
    cfg.optim_wrapper = in_float32(cfg.optim_wrapper)
    if dtype == 'float16':
        cfg.optim_wrapper.update(type='AmpOptimWrapper', dtype=dtype)
    else:
        cfg.optim_wrapper.type = 'Bfloat16OptimWrapper'
        if 'Bfloat16Hook' not in map(type_of, cfg.get('custom_hooks') or []):
            _add_hook(cfg, type='Bfloat16Hook')


def _average_weights(cfg: Config, share: float) -> None:
    if not 0 < share < 1:
        raise InputError(f'ema is {share}, but must be between 0 and 1')
    _add_hook(cfg, type='EMAHook', momentum=share)


def _decay_by_layer(cfg: Config, rate: float) -> None:
    if not 0 < rate <= 1:
        raise InputError(f'layer_decay is {rate}, but must be in (0, 1]')
    own = cfg.optim_wrapper.get('constructor', LAYER_DECAY)
    if type_of({'type': own}) not in (LAYER_DECAY, 'DefaultOptimWrapperConstructor'):
        raise InputError(f'{cfg.filename} has its own optim_wrapper.constructor: {own}')
    options = cfg.optim_wrapper.get('paramwise_cfg') or {}
    cfg.optim_wrapper.constructor = LAYER_DECAY
    cfg.optim_wrapper.paramwise_cfg = {**options, 'layer_decay_rate': rate}


def _compile_backbone(cfg: Config, backend: str) -> None:
    _require_backbone(cfg)
    with _refusing():
        CompileBackboneHook(backend=backend)
    _add_hook(cfg, type='CompileBackboneHook', backend=backend)


def _require_backbone(cfg: Config) -> None:
    if 'backbone' not in cfg.model:
        raise InputError(f'the model of {cfg.filename} has no backbone')


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn a ValueError about the user's value into an InputError."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error


def _add_hook(cfg: Config, **hook: Any) -> None:
    hooks = list(cfg.get('custom_hooks') or [])
    if any(type_of(own) == hook['type'] for own in hooks):
        raise InputError(f'{cfg.filename} already has such a hook: {hook["type"]}')
    cfg.custom_hooks = [*hooks, hook]
