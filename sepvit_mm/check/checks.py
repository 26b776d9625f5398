"""The checks, each a function that yields a sentence for every mistake it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, TRANSFORMS
from mmengine.runner import Runner
from torch import nn

from ..engine.config import datasets_of, require_data
from ..engine.models import build_model
from ..errors import InputError
from .step import SIZES, random_batch, training_step

# Keys that mmdet 2, mmseg 0 and mmcls read at the top of a config, and what took their
# place. mmengine ignores them without a word.
OLD_KEYS = {
    'optimizer': 'optim_wrapper.optimizer',
    'optimizer_config': 'optim_wrapper.clip_grad',
    'lr_config': 'param_scheduler',
    'momentum_config': 'param_scheduler',
    'runner': 'train_cfg',
    'total_epochs': 'train_cfg.max_epochs',
    'total_iters': 'train_cfg.max_iters',
    'workflow': 'train_cfg',
    'fp16': "optim_wrapper.type='AmpOptimWrapper'",
    'data': 'train_dataloader, val_dataloader, test_dataloader',
    'evaluation': 'val_evaluator, train_cfg.val_interval',
    'checkpoint_config': 'default_hooks.checkpoint',
    'log_config': 'default_hooks.logger',
    'resume_from': 'resume, load_from',
    'seed': 'randomness.seed',
    'deterministic': 'randomness.deterministic',
    'cudnn_benchmark': 'env_cfg.cudnn_benchmark',
    'dist_params': 'env_cfg.dist_cfg',
    'mp_start_method': 'env_cfg.mp_cfg',
    'opencv_num_threads': 'env_cfg.mp_cfg',
}

HEADS = ('decode_head', 'auxiliary_head', 'bbox_head', 'head')


class Finding(NamedTuple):
    """A mistake in a config.

    Attributes:
        check: which check found it.
        message: what is wrong, and what to do.
    """

    check: str
    message: str


@dataclass
class Report:
    """What was found in a config.

    Attributes:
        findings: the mistakes, none in a good config.
        loss: of one training step; None where it did not come to that.
        unusable: why the config cannot train at all; None where it can.
    """

    findings: list[Finding] = field(default_factory=list)
    loss: float | None = None
    unusable: str | None = None


def check(cfg: Config, *, gpus: int | None = None, on_data: bool = False) -> Report:
    """Look for common mistakes in a config.

    Its model is built, and trained for one step without a GPU; nothing is downloaded
    and no weights are loaded. Datasets need not be there, unless the step is on data.

    Args:
        cfg: From :func:`sepvit_mm.engine.load_config`; left unchanged.
        gpus: How many will train it. Defaults to as many as make its
            ``auto_scale_lr.base_batch_size``, else one.
        on_data: Train on a batch of ``train_dataloader`` instead of noise. Defaults to
            False.

    Returns:
        The findings, or why the config is unusable.
    """
    cfg = deepcopy(cfg)
    report = Report()

    def look(name: str, found: Iterator[str]) -> bool:
        messages = list(found)
        report.findings += [Finding(name, message) for message in messages]
        return not messages

    try:
        look('ignored keys', ignored_keys(cfg))
        look('pretrained file', missing_files(cfg.model))
        look('batch size', batch_size(cfg, gpus))
        look('SyncBN', lonely_sync_bn(cfg, gpus))
        forget_weights(cfg.model)
        model = build_model(cfg)
        model.init_weights()
        build_pipelines(cfg)
        look('classes', classes(cfg, model))
        if look('channels', channels(cfg, model)):
            batch = real_batch(cfg) if on_data else noise(cfg, model)
            step = training_step(model, cfg, batch)
            report.loss = step.loss
            look('no gradient', no_gradient(cfg, model, step.unreached))
    except Exception as error:  # whatever a library raises, it is the config's fault
        report.unusable = f'{type(error).__name__}: {error}'
    return report


def ignored_keys(cfg: Config) -> Iterator[str]:
    """Keys of the 2.x era, unless they only name a value that is used elsewhere."""
    wrapper = cfg.get('optim_wrapper') or {}
    for key, successor in OLD_KEYS.items():
        if key not in cfg:
            continue
        message = f'{key} is a key of the 2.x era and ignored; set {successor}'
        if key == 'optimizer':
            used = wrapper.get('optimizer')
            if cfg.optimizer == used:
                continue
            message += f', which is {used and dict(used)}'
        yield message


def missing_files(node: Any, path: str = 'model') -> Iterator[str]:
    """Files of ``init_cfg=dict(type='Pretrained')`` that do not exist."""
    if isinstance(node, Mapping):
        file = node.get('checkpoint')
        if node.get('type') == 'Pretrained' and '://' not in str(file):
            if not Path(file or '').is_file():
                yield f'{path}.checkpoint is {file!r}, and there is no such file'
        for key, value in node.items():
            yield from missing_files(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from missing_files(value, f'{path}.{index}')


def forget_weights(node: Any) -> None:
    """Take files of weights out of a model's config: none is to be fetched."""
    if isinstance(node, dict):
        for key, value in node.items():
            is_file = isinstance(value, dict) and value.get('type') == 'Pretrained'
            if key == 'pretrained' or (key == 'init_cfg' and is_file):
                node[key] = None
            else:
                forget_weights(value)
    elif isinstance(node, list):
        for value in node:
            forget_weights(value)


def gpus_meant(cfg: Config, gpus: int | None) -> int:
    """How many GPUs are to train a config, as told or as its batches suggest."""
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = cfg.train_dataloader.get('batch_size')
    return gpus or (max(1, base // batch) if base and batch else 1)


def batch_size(cfg: Config, gpus: int | None) -> Iterator[str]:
    """A batch that is not the one the learning rate is for."""
    scaling = cfg.get('auto_scale_lr') or {}
    base = scaling.get('base_batch_size')
    if not base or scaling.get('enable'):
        return
    each = cfg.train_dataloader.batch_size
    repeats = cfg.optim_wrapper.get('accumulative_counts', 1)
    count = gpus_meant(cfg, gpus)
    if count * each * repeats != base:
        lr = cfg.optim_wrapper.optimizer.lr
        images = f'{count} GPUs with {each} images each'
        images += f', {repeats} times' if repeats > 1 else ''
        scaled = lr * count * each * repeats / base
        yield (
            f'{images}, make {count * each * repeats} a step, but the learning rate '
            f'{lr:g} is for {base}: set auto_scale_lr.enable, or the rate to {scaled:g}'
        )


def lonely_sync_bn(cfg: Config, gpus: int | None) -> Iterator[str]:
    """SyncBN in a single process."""

    def uses(node: Any) -> bool:
        if isinstance(node, Mapping):
            return node.get('type') == 'SyncBN' or any(map(uses, node.values()))
        return isinstance(node, (list, tuple)) and any(map(uses, node))

    if uses(cfg.model) and gpus_meant(cfg, gpus) == 1:
        yield (
            'the model has SyncBN, but one process has no other to share with: it '
            f'becomes BN over {cfg.train_dataloader.batch_size} images'
        )


def build_pipelines(cfg: Config) -> None:
    """Build all transforms, which fails on those that do not exist any more."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for dataset in datasets_of(cfg.get(loader) or {}):
            for transform in dataset.get('pipeline') or []:
                TRANSFORMS.build(transform)


def classes(cfg: Config, model: nn.Module) -> Iterator[str]:
    """Heads for another number of classes than the data has."""
    counts: dict[str, int] = {}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for dataset in datasets_of(cfg.get(loader) or {}):
            names = (dataset.get('metainfo') or {}).get('classes')
            names = names or _metainfo(dataset['type']).get('classes')
            if names and not isinstance(names, str):  # the name of a file with them
                counts[loader] = len(names)
    for name, module in model.named_modules():
        given = getattr(module, 'num_classes', None)
        # a proposal is an object or none, whatever the data has
        if not isinstance(given, int) or 'rpn' in name:
            continue
        for count in sorted({*counts.values()} - {given}):
            loaders = ', '.join(n for n in counts if counts[n] == count)
            yield f'model.{name}.num_classes is {given}, but {count} are in {loaders}'


def _metainfo(dataset: str | type) -> Mapping[str, Any]:
    """What a class of datasets, or of their wrappers, knows of itself."""
    kind = DATASETS.get(dataset) if isinstance(dataset, str) else dataset
    return getattr(kind, 'METAINFO', {})


def channels(cfg: Config, model: nn.Module) -> Iterator[str]:
    """A neck or a head that does not take what the backbone gives."""
    if not hasattr(model, 'backbone'):
        return
    with torch.no_grad():
        size = SIZES.get(cfg.get('default_scope'), (224, 224))
        model.backbone.eval()  # mmdet's return nothing here
        maps = model.backbone(torch.zeros(1, 3, *size))
    given = [m.shape[1] for m in maps if isinstance(m, torch.Tensor)]
    neck = cfg.model.get('neck') or {}
    # a neck without this argument, such as average pooling, changes no channels
    has_channels = isinstance(neck, Mapping) and 'in_channels' in neck
    for name in ('neck',) if has_channels else HEADS:
        reader = cfg.model.get(name)
        if not isinstance(reader, Mapping) or 'in_channels' not in reader:
            continue
        wanted, index = reader['in_channels'], reader.get('in_index')
        if isinstance(wanted, int):
            at = -1 if index is None else index
            fits = -len(given) <= at < len(given) and given[at] == wanted
        elif index is not None:
            fits = max(index) < len(given) and [given[i] for i in index] == [*wanted]
        else:
            fits = given == [*wanted]
        if not fits:
            at = '' if index is None else f' at {index}'
            yield (
                f'model.{name}.in_channels is {wanted}{at}, but the backbone gives '
                f'{given}'
            )


def noise(cfg: Config, model: nn.Module) -> dict[str, Any]:
    """A random batch, which the preprocessor leaves as small as it is."""
    scope = cfg.get('default_scope')
    if scope not in SIZES:
        raise InputError(f'default_scope is {scope}, but must be one of {[*SIZES]}')
    if getattr(model.data_preprocessor, 'size', None) is not None:
        model.data_preprocessor.size = SIZES[scope]
    return random_batch(scope)


def real_batch(cfg: Config) -> Any:
    """The first batch of the training data, loaded in this process."""
    require_data(cfg, 'train_dataloader')
    loader = deepcopy(cfg.train_dataloader)
    loader.update(num_workers=0, persistent_workers=False)
    return next(iter(Runner.build_dataloader(loader, seed=0)))


def no_gradient(
    cfg: Config, model: nn.Module, unreached: Sequence[str]
) -> Iterator[str]:
    """Parameters that the backward pass did not reach."""
    if not unreached:
        return
    count = sum(model.get_parameter(name).numel() for name in unreached)
    shown = ', '.join(unreached[:3]) + (', ...' if len(unreached) > 3 else '')
    message = f'{len(unreached)} parameters ({count / 1e6:.2f} M) get none: {shown}'
    start = (cfg.model.get('neck') or {}).get('start_level', 0)
    if start:
        message += (
            f'. neck.start_level is {start}: let the backbone return only what the '
            'neck reads (out_indices), and start at 0'
        )
    yield message
