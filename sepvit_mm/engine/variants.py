"""Variants of a run that any config takes, so that none needs a file of its own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mmengine.config import Config

from ..plugins.compilation import CompileBackboneHook
from ..errors import InputError
from .config import type_of

PRECISIONS = ('float16', 'bfloat16')
LAYER_DECAY = 'LayerDecayOptimWrapperConstructor'


def vary(
    cfg: Config,
    *,
    amp: str | None = None,
    ema: float | None = None,
    checkpointing: bool = False,
    layer_decay: float | None = None,
    compiler: str | None = None,
) -> Config:
    """Copy a config with variants of its training.

    Args:
        cfg: From :func:`load_config`; left unchanged.
        amp: Mixed precision in this type, 'float16' with dynamic loss scaling, or
            'bfloat16', whose range needs none. Defaults to the config's own.
        ema: Evaluate and save the exponential moving average of the weights, of which
            each step replaces this share, in (0, 1). Defaults to the config's own.
        checkpointing: Compute the backbone's activations again in the backward pass
            instead of keeping them. Defaults to the config's own.
        layer_decay: Learning rate of a layer of the backbone relative to that of the
            layer above it, in (0, 1]. Defaults to the config's own.
        compiler: Compile the backbone with this backend of ``torch.compile``, by
            :class:`sepvit_mm.CompileBackboneHook`. Defaults to the config's own.

    Raises:
        InputError: An argument is out of range, or the config has no place for it.
    """
    cfg = deepcopy(cfg)
    if amp is not None:
        if amp not in PRECISIONS:
            raise InputError(f'amp is {amp}, but must be one of {PRECISIONS}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.dtype = amp
        cfg.optim_wrapper.pop('loss_scale', None)  # then it is dynamic
        if amp == 'bfloat16':
            cfg.optim_wrapper.loss_scale = 1.0
            if 'Bfloat16Hook' not in map(type_of, cfg.get('custom_hooks') or []):
                _add_hook(cfg, type='Bfloat16Hook')
    if ema is not None:
        if not 0 < ema < 1:
            raise InputError(f'ema is {ema}, but must be between 0 and 1')
        _add_hook(cfg, type='EMAHook', momentum=ema)
    if (checkpointing or compiler is not None) and 'backbone' not in cfg.model:
        raise InputError(f'the model of {cfg.filename} has no backbone')
    if checkpointing:
        cfg.model.backbone.with_cp = True
    if layer_decay is not None:
        if not 0 < layer_decay <= 1:
            raise InputError(f'layer_decay is {layer_decay}, but must be in (0, 1]')
        own = cfg.optim_wrapper.get('constructor', LAYER_DECAY)
        if type_of({'type': own}) not in (
            LAYER_DECAY,
            'DefaultOptimWrapperConstructor',
        ):
            raise InputError(f'{cfg.filename} has an optim_wrapper.constructor: {own}')
        options = cfg.optim_wrapper.get('paramwise_cfg') or {}
        cfg.optim_wrapper.constructor = LAYER_DECAY
        cfg.optim_wrapper.paramwise_cfg = {**options, 'layer_decay_rate': layer_decay}
    if compiler is not None:
        try:
            CompileBackboneHook(backend=compiler)
        except ValueError as error:
            raise InputError(str(error)) from error
        _add_hook(cfg, type='CompileBackboneHook', backend=compiler)
    return cfg


def _add_hook(cfg: Config, **hook: Any) -> None:
    hooks = list(cfg.get('custom_hooks') or [])
    if any(type_of(own) == hook['type'] for own in hooks):
        raise InputError(f'{cfg.filename} has a hook of its own: {hook["type"]}')
    cfg.custom_hooks = [*hooks, hook]
