"""The checks, each a function that yields a sentence for every mistake it finds."""

from __future__ import annotations

import re
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

from ..engine.config import datasets_of, require_data, type_of
from ..engine.models import build_model, build_optimizer, build_scheduler
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

HEADS = ('decode_head', 'auxiliary_head', 'bbox_head', 'mask_head', 'head')
PRETRAINED = ('Pretrained', 'PretrainedInit')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


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
            ``auto_scale_lr.base_batch_size``.
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
        look('pretrained file', missing_files(cfg))
        look('batch size', batch_size(cfg, gpus))
        look('SyncBN', lonely_sync_bn(cfg, gpus))
        forget_weights(cfg.model)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = build_model(cfg)
            model.init_weights()
        build_transforms(cfg)
        build_schedulers(cfg, model)
        look('classes', classes(cfg, model))
        fits = look('channels', channels(cfg, model))
        batch = real_batch(cfg) if on_data and fits else None
    except Exception as error:  # of any library, about anything in the config
        report.unusable = f'{type(error).__name__}: {error}'
        return report
    if not fits:
        return report
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            batch = batch or noise(cfg, model)
            step = training_step(model, build_optimizer(cfg, model), batch)
    except Exception as error:  # a real mistake, or images that this model cannot take
        reason = f'the training step failed: {type(error).__name__}: {error}'
        advice = '' if on_data else '. That was on noise: try --on-data'
        report.findings.append(Finding('training step', f'{reason}{advice}'))
        return report
    report.loss = step.loss
    look('no gradient', no_gradient(cfg, model, step.unreached))
    return report


def ignored_keys(cfg: Config) -> Iterator[str]:
    """Keys of the 2.x era, unless they only name a value that the file goes on to use.

    mmseg's schedules do: ``optimizer = dict(...)``, then
    ``optim_wrapper = dict(optimizer=optimizer)``. The last file that sets it tells; in
    what mmengine dumps, that the two are equal.
    """
    text = re.sub('#.*', '', cfg.text)
    used = (cfg.get('optim_wrapper') or {}).get('optimizer')
    for key, successor in OLD_KEYS.items():
        set_at = [match.end() for match in re.finditer(rf'(?m)^{key} *=', text)]
        # read as a name: no argument, and no part of a string or a longer name
        name = rf'(?<![\w.\'"/]){key}(?![\w\'"/]| *=[^=])'
        is_name = set_at and re.search(name, text[set_at[-1] :])
        if key not in cfg or is_name or (key == 'optimizer' and cfg[key] == used):
            continue
        message = f'{key} is a key of the 2.x era and ignored; set {successor}'
        if key == 'optimizer' and 'optim_wrapper' in cfg:
            message += f', which is {dict(cfg.optim_wrapper.get("optimizer", {}))}'
        yield message


def missing_files(cfg: Config) -> Iterator[str]:
    """Files of weights that do not exist.

    What the training of a config beside this one leaves in its work dir may come yet.
    """
    named = dict(_weights(cfg.model))
    start = cfg.get('load_from')
    folder = Path(cfg.filename or '').parent
    if start and not (folder / f'{Path(start).parent.name}.py').is_file():
        named['load_from'] = start
    for path, file in named.items():
        if '://' not in str(file) and not Path(file or '').is_file():
            yield f'{path} is {file!r}, and there is no such file'


def _weights(node: Any, path: str = 'model') -> Iterator[tuple[str, Any]]:
    """Files that fill a model or parts of it, and where they are named."""
    if isinstance(node, Mapping):
        if type_of(node) in PRETRAINED:
            yield f'{path}.checkpoint', node.get('checkpoint')
        if isinstance(node.get('pretrained'), str):
            yield f'{path}.pretrained', node['pretrained']
        for key, value in node.items():
            yield from _weights(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _weights(value, f'{path}.{index}')


def forget_weights(node: Any) -> None:
    """Take files of weights out of a model's config: none is to be fetched."""
    if isinstance(node, list):
        for value in node:
            forget_weights(value)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == 'pretrained':
            node[key] = None
        elif key == 'init_cfg':
            several = value if isinstance(value, list) else [value]
            node[key] = [
                cfg for cfg in several if cfg and type_of(cfg) not in PRETRAINED
            ] or None
        else:
            forget_weights(value)


def gpus_meant(cfg: Config, gpus: int | None) -> int | None:
    """How many GPUs are to train a config, as told or as its batches suggest."""
    base = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = cfg.train_dataloader.get('batch_size')
    if gpus or not (base and batch):
        return gpus
    return max(1, base // (batch * cfg.optim_wrapper.get('accumulative_counts', 1)))


def batch_size(cfg: Config, gpus: int | None) -> Iterator[str]:
    """A batch that is not the one the learning rate is for."""
    scaling = cfg.get('auto_scale_lr') or {}
    base = scaling.get('base_batch_size')
    count = gpus_meant(cfg, gpus)
    each = cfg.train_dataloader.get('batch_size')
    if not (base and count and each):
        return
    repeats = cfg.optim_wrapper.get('accumulative_counts', 1)
    total = count * each * repeats
    if scaling.get('enable'):
        if repeats > 1:
            yield (
                f'auto_scale_lr scales for {count * each} images a step, but with '
                f'accumulative_counts there are {total}: set base_batch_size to '
                f'{base / repeats:g}'
            )
    elif total != base:
        images = f'{count} GPUs with {each} images each'
        images += f', {repeats} times' if repeats > 1 else ''
        lr = cfg.optim_wrapper.optimizer.get('lr', 1.0)
        enabled = '' if repeats > 1 else 'auto_scale_lr.enable, or '
        yield (
            f'{images}, make {total} a step, but the learning rate {lr:g} is for '
            f'{base}: set {enabled}the rate to {lr * total / base:g}'
        )


def lonely_sync_bn(cfg: Config, gpus: int | None) -> Iterator[str]:
    """SyncBN in a single process."""

    def uses(node: Any) -> bool:
        if isinstance(node, Mapping):
            return type_of(node) == 'SyncBN' or any(map(uses, node.values()))
        return isinstance(node, (list, tuple)) and any(map(uses, node))

    if (cfg.get('sync_bn') or uses(cfg.model)) and gpus_meant(cfg, gpus) == 1:
        yield (
            'the model has SyncBN, but one process has no other to share with: it '
            f'becomes BN over {cfg.train_dataloader.batch_size} images'
        )


def build_transforms(cfg: Config) -> None:
    """Build all transforms, which fails on those that do not exist any more."""
    for loader in LOADERS:
        for dataset in datasets_of(cfg.get(loader) or {}):
            for transform in dataset.get('pipeline') or []:
                TRANSFORMS.build(transform)


def build_schedulers(cfg: Config, model: nn.Module) -> None:
    """Build the optimizer and all schedulers on it, for the errors in them."""
    optimizer = build_optimizer(cfg, model).optimizer
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        build_scheduler(scheduler, optimizer)


def classes(cfg: Config, model: nn.Module) -> Iterator[str]:
    """Heads for another number of classes than the data has."""
    counts: dict[str, set[int]] = {}
    for loader in LOADERS:
        for dataset in datasets_of(cfg.get(loader) or {}):
            names = (dataset.get('metainfo') or {}).get('classes')
            names = names or _metainfo(dataset['type']).get('classes')
            if names and not isinstance(names, str):  # the name of a file with them
                counts.setdefault(loader, set()).add(len(names))
    if hasattr(model, 'panoptic_fusion_head'):
        return  # its heads share the classes among them
    for name, module in model.named_modules():
        given = getattr(module, 'num_classes', None)
        # one of HEADS, or one of several of them in a list
        is_head = name.rstrip('.0123456789').split('.')[-1] in HEADS
        # proposals are objects or none, boundaries are or are not
        is_binary = (
            'RPN' in type(module).__name__ or type(module).__name__ == 'STDCHead'
        )
        if not isinstance(given, int) or not is_head or is_binary:
            continue
        for count in sorted(set().union(*counts.values()) - {given}):
            loaders = ', '.join(loader for loader in counts if count in counts[loader])
            yield f'model.{name}.num_classes is {given}, but {count} are in {loaders}'


def _metainfo(dataset: str | type) -> Mapping[str, Any]:
    """What a class of datasets, or of their wrappers, knows of itself."""
    if isinstance(dataset, str):
        # get() alone does not look where the default scope says
        with DATASETS.switch_scope_and_registry(None) as registry:
            dataset = registry.get(dataset)
    return getattr(dataset, 'METAINFO', {})


def channels(cfg: Config, model: nn.Module) -> Iterator[str]:
    """A neck or a head that does not take what the backbone gives."""
    if not hasattr(model, 'backbone'):
        return
    with torch.no_grad():
        size = SIZES.get(cfg.get('default_scope'), (224, 224))
        model.backbone.eval()  # mmdet's return nothing here
        try:
            maps = model.backbone(torch.zeros(1, _channels_of_images(model), *size))
        except Exception:  # images that it cannot take: the training step tells
            return
    neck = cfg.model.get('neck') or {}
    plain = isinstance(maps, (tuple, list)) and all(torch.is_tensor(m) for m in maps)
    if not plain or not isinstance(neck, Mapping):
        return  # whether such things fit, the training step tells
    given = [m.shape[1] for m in maps]
    # a neck without this argument, such as average pooling, changes no channels
    for name in ('neck',) if 'in_channels' in neck else HEADS:
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
            fits = sorted(given) == sorted(wanted)  # some necks begin at the end
        if not fits:
            at = '' if index is None else f' at {index}'
            yield (
                f'model.{name}.in_channels is {wanted}{at}, but the backbone gives '
                f'{given}'
            )


def _channels_of_images(model: nn.Module) -> int:
    """How many channels a model's images have: one mean each, or three."""
    mean = getattr(model.data_preprocessor, 'mean', None)
    return 3 if mean is None else mean.numel()


def noise(cfg: Config, model: nn.Module) -> dict[str, Any]:
    """A random batch, which the preprocessor leaves as small as it is."""
    scope = cfg.get('default_scope') or type(model).__module__.partition('.')[0]
    if scope not in SIZES:
        raise InputError(f'default_scope is {scope}, but must be one of {[*SIZES]}')
    if getattr(model.data_preprocessor, 'size', None) is not None:
        model.data_preprocessor.size = SIZES[scope]
    return random_batch(scope, channels=_channels_of_images(model))


def real_batch(cfg: Config) -> Any:
    """The first batch of the training data, loaded in this process."""
    require_data(cfg, 'train_dataloader')
    loader = deepcopy(cfg.train_dataloader)
    loader.update(num_workers=0, persistent_workers=False)
    for key in ('prefetch_factor', 'timeout'):  # for workers only
        loader.pop(key, None)
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
    neck = cfg.model.get('neck')
    start = neck.get('start_level') if isinstance(neck, Mapping) else None
    if start:
        message += (
            f'. neck.start_level is {start}: let the backbone return only what the '
            'neck reads (out_indices), and start at 0'
        )
    yield message
