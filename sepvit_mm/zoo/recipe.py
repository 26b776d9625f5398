"""What a config trains with, in words, as mmengine resolves it.

The words are those of the manifest, so that the two can be compared as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from mmengine.config import Config
from mmengine.optim.scheduler.param_scheduler import INF
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ..engine.models import build_model, build_optimizer, build_scheduler

NORMS = (nn.LayerNorm, nn.GroupNorm, _BatchNorm)


def resolve_recipe(cfg: Config) -> dict[str, Any]:
    """Tell what a config trains with, after inheritance and building.

    The model is built without memory, then the optimizer from its parameters and the
    schedulers from the optimizer, so that a key that mmengine ignores has no effect
    here either.

    Args:
        cfg: From :func:`sepvit_mm.engine.load_config`; left unchanged.

    Returns:
        optimizer, lr, weight_decay, eps, betas, no_decay (kinds of parameters),
        lr_factors (by the end of a parameter's name), clip_norm, mixed_precision,
        drop_path, checkpointing, length, schedule, batch (GPUs x images, for the
        learning rate), hooks (besides the default ones), mixing, train_data and
        test_data, train_images and test_images, pixels, starts_from (a file of
        weights, or None).
    """
    model = build_model(cfg, device='meta')
    wrapper = build_optimizer(cfg, model)
    optimizer = wrapper.optimizer
    loop = cfg.train_cfg
    epochs, iterations = loop.get('max_epochs'), loop.get('max_iters')
    stage = model.backbone.stages[-1]
    last = stage.blocks[-1].drop_path
    return {
        'optimizer': type(optimizer).__name__,
        'lr': optimizer.defaults['lr'],
        'weight_decay': optimizer.defaults['weight_decay'],
        'eps': optimizer.defaults['eps'],
        'betas': list(optimizer.defaults['betas']),
        'no_decay': _kinds_without_decay(model, optimizer),
        'lr_factors': _lr_factors(model, optimizer),
        'clip_norm': (wrapper.clip_grad_kwargs or {}).get('max_norm'),
        'mixed_precision': cfg.optim_wrapper.type == 'AmpOptimWrapper',
        'drop_path': round(last.drop_prob, 6),
        'checkpointing': stage.with_cp,
        'length': f'{epochs} epochs' if epochs else f'{iterations} iterations',
        'schedule': [_describe(s, optimizer) for s in cfg.param_scheduler],
        'batch': _batch(cfg),
        'hooks': [hook['type'] for hook in cfg.get('custom_hooks') or []],
        'mixing': _mixing(cfg.model),
        'train_data': _data(cfg.train_dataloader.dataset),
        'test_data': _data(cfg.test_dataloader.dataset),
        'train_images': _images(cfg.train_dataloader.dataset),
        'test_images': _images(cfg.test_dataloader.dataset),
        'pixels': _pixels(cfg),
        'starts_from': cfg.get('load_from') or _pretrained(cfg.model.backbone),
    }


def _batch(cfg: Config) -> str:
    """Processes and images of each that make the batch of the learning rate."""
    each = cfg.train_dataloader.batch_size
    repeats = cfg.optim_wrapper.get('accumulative_counts', 1)
    gpus = cfg.auto_scale_lr.base_batch_size / (each * repeats)
    return f'{gpus:g} x {each}' + (f' x {repeats} steps' if repeats > 1 else '')


def _pixels(cfg: Config) -> str:
    """The order of the channels, what is taken off them, and what divides them."""
    settings = cfg.model.get('data_preprocessor') or cfg.data_preprocessor
    order = 'RGB' if settings.get('bgr_to_rgb', settings.get('to_rgb')) else 'BGR'
    mean, std = (', '.join(f'{v:g}' for v in settings[k]) for k in ('mean', 'std'))
    return f'({order} - [{mean}]) / [{std}]'


def _pretrained(backbone: Mapping[str, Any]) -> str | None:
    return (backbone.get('init_cfg') or {}).get('checkpoint')


def _data(dataset: Mapping[str, Any]) -> str:
    """What a dataset reads: its type, and its split, annotations or folder."""
    prefix = dataset.get('data_prefix') or {}
    prefixes = [prefix] if isinstance(prefix, str) else list(prefix.values())
    which = dataset.get('split') or dataset.get('ann_file') or ' '.join(prefixes)
    return f'{dataset["type"]} {which}'


def _kinds_without_decay(model: nn.Module, optimizer: Optimizer) -> list[str]:
    """Kinds of parameters that do not decay; ``'some KIND'`` where only some do not."""
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
    decays = defaultdict(set)
    for group in optimizer.param_groups:
        factor = group['weight_decay'] / optimizer.defaults['weight_decay']
        for parameter in group['params']:
            decays[kinds[id(parameter)]].add(factor)
    spared = [kind for kind in decays if decays[kind] == {0}]
    for kind, factors in decays.items():
        if not factors <= {0, 1}:
            spared.append(f'{kind} by {", ".join(map(str, sorted(factors)))}')
        elif len(factors) == 2:
            spared.append(f'some {kind}')
    return sorted(spared)


def _lr_factors(model: nn.Module, optimizer: Optimizer) -> dict[str, float]:
    """Last two parts of the names of parameters that learn at another rate."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    lr = optimizer.defaults['lr']
    return {
        '.'.join(names[id(parameter)].split('.')[-2:]): group['lr'] / lr
        for group in optimizer.param_groups
        for parameter in group['params']
        if group['lr'] != lr
    }


def _describe(cfg: Mapping[str, Any], optimizer: Optimizer) -> str:
    """A scheduler of the learning rate in words, read off the built one."""
    unit = 'epoch' if cfg.get('by_epoch', True) else 'iteration'
    scheduler = build_scheduler(cfg, optimizer)
    kind = cfg['type']
    if kind == 'LinearLR':
        begin = f' after {scheduler.begin}' if scheduler.begin else ''
        factors = f'{scheduler.start_factor:g}'
        if scheduler.end_factor != 1:
            factors += f' to {scheduler.end_factor:g}'
        return f'linear from {factors} until {unit} {scheduler.end}{begin}'
    if kind == 'MultiStepLR':
        steps = ', '.join(map(str, sorted(scheduler.milestones)))
        span = ''
        if scheduler.begin or scheduler.end < INF:
            span = f' between {scheduler.begin} and {scheduler.end}'
        return f'times {scheduler.gamma:g} at {unit}s {steps}{span}'
    span = f'from {unit} {scheduler.begin} to {scheduler.end}'
    if kind == 'PolyLR':
        return f'poly {scheduler.power:g} to {scheduler.eta_min:g} {span}'
    if kind == 'CosineAnnealingLR':
        if scheduler.T_max != scheduler.end - scheduler.begin:
            span += f' with period {scheduler.T_max}'
        ratio = scheduler.eta_min_ratio
        end = f'{scheduler.eta_min:g}' if ratio is None else f'a factor of {ratio:g}'
        return f'cosine to {end} {span}'
    raise ValueError(f'no words yet for the scheduler {kind}')


def _mixing(model: Mapping[str, Any]) -> str | None:
    """What a classifier does to batches and labels."""
    augments = (model.get('train_cfg') or {}).get('augments', [])
    words = [' or '.join(f'{a["type"]} {a["alpha"]:g}' for a in augments)]
    loss = model.get('head', {}).get('loss', {})
    if 'label_smooth_val' in loss:
        words.append(f'smoothing {loss["label_smooth_val"]:g}')
    return ', '.join(word for word in words if word) or None


def _images(dataset: Mapping[str, Any]) -> str:
    """What happens to images, from the pipeline of a dataset."""
    return '; '.join(_steps(dataset['pipeline']))


def _steps(pipeline: Iterable[Mapping[str, Any]]) -> list[str]:
    return [text for text in map(_step, pipeline) if text]


def _size(scale: int | Iterable[int]) -> str:
    return f'{scale}' if isinstance(scale, int) else 'x'.join(map(str, scale))


def _step(t: Mapping[str, Any]) -> str:
    """A transform in words; nothing for those that change no picture."""
    kind = t['type']
    if kind == 'Resize':
        if 'scale_factor' in t:
            return f'resize by {t["scale_factor"]:g}'
        return f'resize to {"fit " * t.get("keep_ratio", False)}{_size(t["scale"])}'
    if kind == 'RandomResize':
        if 'ratio_range' in t:
            low, high = t['ratio_range']
            return f'resize to {low:g}-{high:g} of {_size(t["scale"])}'
        return f'resize to {" - ".join(map(_size, t["scale"]))}'
    if kind == 'RandomChoiceResize':
        longs = {max(scale) for scale in t['scales']}
        shorts = sorted(min(scale) for scale in t['scales'])
        steps = {b - a for a, b in pairwise(shorts)}
        (long,) = longs
        if len(steps) == 1:
            return f'short side {shorts[0]}-{shorts[-1]} step {steps.pop()}, <= {long}'
        return f'short side {", ".join(map(str, shorts))}, <= {long}'
    if kind == 'RandomCrop':
        sizes = _size(t['crop_size'])
        if t.get('crop_type') == 'absolute_range':
            sizes = '-'.join(map(str, t['crop_size']))
        share = t.get('cat_max_ratio', 1)
        return f'crop {sizes}' + (f' of no class above {share:g}' if share < 1 else '')
    if kind == 'RandomChoice':
        branches = [', then '.join(_steps(branch)) for branch in t['transforms']]
        return 'either ' + ' or '.join(f'({branch})' for branch in branches)
    if kind == 'RandomFlip':
        direction = t.get('direction', 'horizontal')
        directions = [direction] if isinstance(direction, str) else direction
        return f'flip {t["prob"]:g}' + (
            '' if directions == ['horizontal'] else f' ({", ".join(directions)})'
        )
    if kind in ('RandomResizedCrop', 'ResizeEdge', 'CenterCrop'):
        words = {
            'RandomResizedCrop': 'random resized crop',
            'ResizeEdge': 'short side',
            'CenterCrop': 'centre crop',
        }[kind]
        how = t.get('interpolation')
        size = _size(t.get('scale') or t['crop_size'])
        return f'{words} {size}' + (f' {how}' if how else '')
    if kind == 'RandAugment':
        increasing = ' inc1' if t['policies'] == 'timm_increasing' else ''
        level, std = t['magnitude_level'], t['magnitude_std']
        policies = f'{t["num_policies"]} x m{level}/{t["total_level"]}'
        return f'RandAugment {policies} mstd{std:g}{increasing}'
    if kind == 'RandomErasing':
        return f'erasing {t["erase_prob"]:g}'
    if kind == 'RandomRotFlip':
        return f'rotate {t["rotate_prob"]:g}, flip {t["flip_prob"]:g}'
    return {
        'PhotoMetricDistortion': 'photometric distortion',
        'ColorJitter': 'colour jitter',
        'LoadImageFromFile': '',
        'LoadAnnotations': '',
        'FilterAnnotations': '',
        'PackInputs': '',
        'PackDetInputs': '',
        'PackSegInputs': '',
    }.get(kind, kind)
