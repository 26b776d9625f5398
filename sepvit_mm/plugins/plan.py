"""Tell in words what a run is about to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_world_size
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from ..checkpoints.fill import REPORT
from .bfloat16 import Bfloat16OptimWrapper

Rows = Iterator[tuple[str, str]]
MOST_IMAGES = 20_000  # objects are counted by reading the record of every image


def plan(runner: Runner) -> Rows:
    """Yield what a run is about to do, as names and values.

    Args:
        runner: the runner, with its weights initialised or resumed.
    """
    yield 'config', str(runner.cfg.filename or 'built in Python')
    yield 'work dir', runner.work_dir
    yield 'training', _contents(runner.train_dataloader)
    held_out = runner.val_loop is not None
    yield 'held out', _contents(runner.val_dataloader) if held_out else 'nothing'
    yield from _length(runner)
    yield from _batch(runner)
    yield from _optimizer(runner)
    yield 'device', _device(runner)
    yield 'weights', _weights(runner)
    yield 'parameters', _parameters(bare(runner.model))


def bare(model: nn.Module) -> nn.Module:
    """Return a model without its wrapper for distributed training."""
    return model.get_submodule('module') if is_model_wrapper(model) else model


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, e.g. '1 image' or '12,000 images'."""
    return f'{number:,} {noun}{"" if number == 1 else "s"}'


def steps_in_all(runner: Runner) -> int:
    """Return the number of batches of the whole run, in each process."""
    return runner.train_loop.max_iters


def _contents(loader: Any) -> str:
    """Count the images and objects behind a dataloader, after the dataset's filter."""
    dataset = loader.dataset
    text = counted(len(dataset), 'image')
    if not hasattr(dataset, 'get_data_info') or len(dataset) > MOST_IMAGES:
        return text
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    if not any('instances' in record for record in records):
        return text
    objects = sum(
        not instance.get('ignore_flag')
        for record in records
        for instance in record.get('instances', ())
    )
    return f'{text}, {counted(objects, "object")}'


def _length(runner: Runner) -> Rows:
    loop, steps = runner.train_loop, steps_in_all(runner)
    text = counted(steps, 'step')
    if isinstance(loop, EpochBasedTrainLoop):
        epochs = loop.max_epochs
        text = f'{counted(epochs, "epoch")} of {counted(steps // epochs, "step")}'
        if epochs > 1:
            text += f', {counted(steps, "step")} in all'
    elif size := _images_a_batch(runner):
        times = steps * size * get_world_size() / len(runner.train_dataloader.dataset)
        text += f', about {times:.1f} times through the data'
    if runner.iter:
        text += f'; resumes at step {runner.iter:,} of {steps:,}'
    yield 'length', text
    if runner.val_loop is not None:
        every = getattr(loop, 'val_interval', 1)
        unit = 'epoch' if isinstance(loop, EpochBasedTrainLoop) else 'step'
        yield 'evaluation', f'every {unit if every == 1 else counted(every, unit)}'


def _images_a_batch(runner: Runner) -> int | None:
    # the dataloader's own batch_size is None where a config has a batch_sampler
    return getattr(runner.train_dataloader.batch_sampler, 'batch_size', None)


def _batch(runner: Runner) -> Rows:
    size = _images_a_batch(runner)
    if size is None:
        return
    processes = get_world_size()
    passes = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
    factors = [counted(size, 'image')]
    factors += [f'{processes} processes'] if processes > 1 else []
    factors += [f'{passes} backward passes'] if passes > 1 else []
    text = ' x '.join(factors)
    if len(factors) > 1:
        text += f' = {counted(size * processes * passes, "image")} a step'
    yield 'batch', text


def _optimizer(runner: Runner) -> Rows:
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper):
        return
    groups = wrapper.optimizer.param_groups
    # not wrapper.base_param_settings, which the Runner does not scale with the batch
    rate = f'{max(group.get("initial_lr", group["lr"]) for group in groups):.3g}'
    for scheduler in runner.cfg.get('param_scheduler') or []:
        rate += f', {_schedule(scheduler)}'
    yield 'learning rate', rate
    text = type(wrapper.optimizer).__name__
    if decay := max(group.get('weight_decay', 0) for group in groups):
        text += f', weight decay {decay:g}'
    if clip := wrapper.clip_grad_kwargs:
        text += f', gradients clipped at {clip.get("max_norm", clip)}'
    yield 'optimizer', text
    dtype = None
    if isinstance(wrapper, Bfloat16OptimWrapper):
        dtype = torch.bfloat16
    elif type(wrapper).__name__ == 'AmpOptimWrapper':
        dtype = getattr(wrapper, 'cast_dtype', None) or torch.float16
    mixed = str(dtype).removeprefix('torch.')
    yield 'precision', f'mixed, in {mixed}' if dtype else 'float32'


def _schedule(scheduler: Mapping[str, Any]) -> str:
    """Describe a scheduler, e.g. 'LinearLR over steps 0-100'."""
    kind = scheduler.get('type', '')
    text = getattr(kind, '__name__', str(kind)).rpartition('.')[2]
    unit = 'epoch' if scheduler.get('by_epoch', True) else 'step'
    if milestones := scheduler.get('milestones'):
        return f'{text} at {unit}s {", ".join(map(str, milestones))}'
    if (end := scheduler.get('end')) is not None:
        text += f' over {unit}s {scheduler.get("begin", 0)}-{end}'
    return text


def _device(runner: Runner) -> str:
    device = next(runner.model.parameters()).device
    if device.type == 'cuda':
        return f'{device}, {torch.cuda.get_device_name(device)}'
    if device.type == 'cpu':
        return f'cpu, {counted(torch.get_num_threads(), "thread")}'
    return str(device)


def _weights(runner: Runner) -> str:
    if runner._resume and runner._load_from:
        return f'resumed from {runner._load_from}'
    if runner._load_from:
        return str(runner._load_from)
    backbone = getattr(bare(runner.model), 'backbone', None)
    starts = getattr(backbone, 'init_cfg', None) or ()
    for start in [starts] if isinstance(starts, Mapping) else starts:
        if file := start.get('checkpoint'):
            report = Path(runner.log_dir) / REPORT
            if not report.is_file():
                return f'backbone from {file}'
            filled = json.loads(report.read_text())['filled']
            return f'{filled:.1%} of the backbone from {file}'
    return 'random'


def _parameters(model: nn.Module) -> str:
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    text = f'{sum(n for n, _ in counts) / 1e6:.2f} M'
    if frozen := sum(n for n, trains in counts if not trains):
        text += f', {frozen / 1e6:.2f} M of them frozen'
    return text
