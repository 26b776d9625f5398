"""Determine a config's training recipe, as plain values, from what it builds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.optim.scheduler.param_scheduler import INF
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ..engine.config import backward_passes, type_of
from ..engine.models import build_model, build_optimizer, build_scheduler

NORMS = (nn.LayerNorm, nn.GroupNorm, _BatchNorm)
# Transforms that do not change images, and are left out of a recipe.
NOT_OF_IMAGES = {
    'LoadImageFromFile',
    'LoadAnnotations',
    'FilterAnnotations',
    'PackInputs',
    'PackDetInputs',
    'PackSegInputs',
}
# Settings of a dataset that do not say which data it reads: its folder, and the names
# and colours of its classes. Its pipeline has its own entry.
NOT_OF_DATA = {'data_root', 'metainfo', 'pipeline'}
# Variables of a scheduler that follow from its arguments or change as it steps.
NOT_OF_SCHEDULE = {'base_values', 'last_step', 'param_name', 'total_iters', 'verbose'}


def resolve_recipe(cfg: Config) -> dict[str, Any]:
    """Determine the recipe of a config, in the terms of the manifest.

    Model (on the meta device), optimizer and schedulers are built, so a key that
    mmengine ignores has no effect here either. A recipe has these values:

    - ``optimizer``, ``lr``, ``weight_decay``, ``betas``, ``eps``;
    - ``decay_factors`` by kind of parameter, and ``lr_factors`` by the last two parts
      of its name: factors of weight decay and learning rate that are not one; a list
      if the parameters of one key differ;
    - ``clip_grad``: its arguments, or None;
    - ``mixed_precision``, ``checkpointing``, and ``drop_path`` of the last block;
    - ``length`` in epochs or iterations, and ``schedule``, a list of schedulers;
    - ``batch``, for which the learning rate is set: GPUs, images on each, and steps
      of gradient accumulation;
    - ``hooks`` besides the default ones;
    - ``mixing`` of the images of a batch, and ``label_smoothing``;
    - ``train_data`` and ``test_data``: datasets, without their folders;
    - ``train_images`` and ``test_images``: lists of transforms;
    - ``pixels``: order of the channels, mean and std;
    - ``starts_from``: a file of weights, or None.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.

    Returns:
        Plain values by name, equal to the manifest's if that is right.
    """
    model = build_model(cfg, device='meta')
    wrapper = build_optimizer(cfg, model)
    optimizer = wrapper.optimizer
    defaults = optimizer.defaults
    loop = cfg.train_cfg
    epochs, iterations = loop.get('max_epochs'), loop.get('max_iters')
    backbone: Any = model.backbone
    stage = backbone.stages[-1]
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    settings = {
        'optimizer': type(optimizer).__name__,
        'lr': defaults['lr'],
        'weight_decay': defaults['weight_decay'],
        'betas': defaults['betas'],
        'eps': defaults['eps'],
        'decay_factors': _factors('weight_decay', optimizer, _kinds(model)),
        'lr_factors': _factors('lr', optimizer, _ends_of_names(model)),
        'clip_grad': wrapper.clip_grad_kwargs or None,
        'mixed_precision': type_of(cfg.optim_wrapper) == 'AmpOptimWrapper',
        'checkpointing': stage.with_cp,
        'drop_path': round(stage.blocks[-1].drop_path.drop_prob, 6),
        'length': {'epochs': epochs} if epochs else {'iterations': iterations},
        'schedule': [_schedule(entry, optimizer) for entry in cfg.param_scheduler],
        'batch': _batch(cfg),
        'hooks': cfg.get('custom_hooks') or [],
        'mixing': (cfg.model.get('train_cfg') or {}).get('augments', []),
        'label_smoothing': _loss(cfg.model).get('label_smooth_val', 0.0),
        'train_data': {key: train[key] for key in train.keys() - NOT_OF_DATA},
        'test_data': {key: test[key] for key in test.keys() - NOT_OF_DATA},
        'train_images': train.pipeline,
        'test_images': test.pipeline,
        'pixels': _pixels(cfg),
        'starts_from': cfg.get('load_from') or _pretrained(cfg.model.backbone),
    }
    return _plain(settings)


def _plain(node: Any) -> Any:
    """Convert a node to plain dicts and lists, and drop NOT_OF_IMAGES."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(value) for value in node if type_of(value) not in NOT_OF_IMAGES]
    return node


def _factors(
    key: str, optimizer: Optimizer, labels: Mapping[int, str]
) -> dict[str, float | list[float]]:
    """Find the factors of an optimizer's setting that are not one.

    Args:
        key: the setting, ``'lr'`` or ``'weight_decay'``.
        optimizer: the built optimizer.
        labels: label of each parameter, by its id.

    Returns:
        The factor by label, or a sorted list if parameters of a label differ.
    """
    factors: dict[str, set[float]] = defaultdict(set)
    for group in optimizer.param_groups:
        for parameter in group['params']:
            factor = group[key] / optimizer.defaults[key]
            factors[labels[id(parameter)]].add(factor)
    return {
        label: sorted(found) if len(found) > 1 else found.pop()
        for label, found in factors.items()
        if found != {1.0}
    }


def _kinds(model: nn.Module) -> dict[int, str]:
    """Map each parameter's id to its kind."""
    kinds = {}
    for module_name, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            kind = 'weight'
            if isinstance(module, NORMS):
                kind = 'norm'
            elif 'window_token' in module_name:
                kind = 'window token'
            elif 'pos_encoding' in module_name:
                kind = f'position encoding {name}'
            elif name == 'bias':
                kind = 'bias'
            kinds[id(parameter)] = kind
    return kinds


def _ends_of_names(model: nn.Module) -> dict[int, str]:
    """Map each parameter's id to the last two parts of its name."""
    return {
        id(parameter): '.'.join(name.split('.')[-2:])
        for name, parameter in model.named_parameters()
    }


def _schedule(cfg: Mapping[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """Return the type and the arguments of a scheduler, read from the built one."""
    scheduler = build_scheduler(cfg, optimizer)
    arguments = {
        # milestones are a counter
        key: sorted(value.elements()) if isinstance(value, Counter) else value
        for key, value in scheduler.state_dict().items()
        if not key.startswith('_') and key not in NOT_OF_SCHEDULE
        if value is not None and value != INF
    }
    return {'type': type(scheduler).__name__, **arguments}


def _batch(cfg: Config) -> dict[str, float]:
    """Return the batch that the learning rate is for."""
    images = cfg.train_dataloader.batch_size
    steps = backward_passes(cfg)
    gpus = cfg.auto_scale_lr.base_batch_size / (images * steps)
    return {'gpus': gpus, 'images': images, 'steps': steps}


def _loss(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the loss of a classifier; empty for other models."""
    return model.get('head', {}).get('loss', {})


def _pixels(cfg: Config) -> dict[str, Any]:
    """Return the order, mean and std of the channels."""
    settings = cfg.model.get('data_preprocessor') or cfg.data_preprocessor
    rgb = settings.get('bgr_to_rgb', settings.get('to_rgb'))
    order = 'RGB' if rgb else 'BGR'
    return {'order': order, 'mean': settings['mean'], 'std': settings['std']}


def _pretrained(backbone: Mapping[str, Any]) -> str | None:
    """Return the file that a backbone starts from, or None."""
    return (backbone.get('init_cfg') or {}).get('checkpoint')
