"""Run all checks of a config."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from ..engine.config import require_data
from ..engine.models import build_model, build_optimizer, build_scheduler
from ..errors import InputError
from .annotations import annotation_faults
from .arguments import misspelt, require_known
from .batches import (
    batch_size,
    images_normalised,
    is_single_value,
    last_batch,
    lonely_sync_bn,
)
from .data import LOADERS, build_transforms
from .evaluation import evaluation, unequal_sizes
from .explain import explain, explained
from .keys import ignored_keys
from .lists import lists
from .loaders import MOST_IMAGES, on_data, stand_ins
from .loops import incomplete, uncounted_epochs
from .model import channels, classes, no_gradient
from .run import built_runner, own_instances
from .step import noise, training_step
from .weights import forget_weights, missing_files

SINGLE_VALUE = (
    'training stops, because BatchNorm gets a single value per channel from a batch of '
    '1 image: set train_dataloader.batch_size to 2 or more, or use another norm, such '
    "as norm_cfg=dict(type='GN', num_groups=32)"
)


class Finding(NamedTuple):
    """A mistake in a config.

    Attributes:
        check: which check found it.
        message: what is wrong and what to do.
    """

    check: str
    message: str


@dataclass
class Report:
    """The result of checking a config.

    Attributes:
        findings: the mistakes, none in a good config.
        loss: loss of one training step; None if it was not reached or failed.
        unusable: why the config cannot train at all; None if it can.
    """

    findings: list[Finding] = field(default_factory=list)
    loss: float | None = None
    unusable: str | None = None

    def add(self, check: str, messages: Iterable[str]) -> bool:
        """Add what a check found.

        Args:
            check: its name.
            messages: a sentence for every mistake.

        Returns:
            Whether it found nothing.
        """
        findings = [Finding(check, message) for message in messages]
        self.findings += findings
        return not findings


def check(cfg: Config, *, gpus: int | None = None, on_data: bool = False) -> Report:
    """Look for common mistakes in a config.

    All that it names is built, and its model is trained for one step, without a GPU.
    Nothing is downloaded or written, and no weights are loaded. Datasets need not
    exist, unless ``on_data``.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        gpus: number of GPUs that will train it. Defaults to as many as its
            ``auto_scale_lr.base_batch_size`` needs.
        on_data: whether to build the datasets of all dataloaders, train on a few of
            their images instead of noise, and evaluate a few. Defaults to False.

    Returns:
        The findings, or why the config is unusable.
    """
    cfg = deepcopy(cfg)
    report = Report()
    try:
        with _seeded(), explained(cfg), own_instances(), TemporaryDirectory() as folder:
            cfg.work_dir = folder
            _check(cfg, gpus, report, data=on_data)
    except InputError as error:
        report.unusable = str(error)
    return report


def _check(cfg: Config, gpus: int | None, report: Report, *, data: bool) -> None:
    """Check a config as far as it goes.

    Raises:
        InputError: the config is unusable.
    """
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    report.add('ignored keys', ignored_keys(cfg))
    report.add('lists', lists(cfg))
    report.add('arguments', misspelt(cfg))
    report.add('pretrained file', missing_files(cfg))
    report.add('batch size', batch_size(cfg, gpus))
    report.add('SyncBN', lonely_sync_bn(cfg, gpus))
    report.add('loops', uncounted_epochs(cfg))
    is_whole = report.add('loops', incomplete(cfg))
    require_known(cfg)
    model = _build(cfg)
    report.add('classes', classes(cfg, model))
    fits = report.add('channels', channels(cfg, model))
    if data:
        data = _can_be_used(cfg, report)  # if not, the rest is checked without data
    if data:
        loaders = on_data(cfg, images_normalised(cfg, gpus, most=MOST_IMAGES))
    else:
        loaders = stand_ins(cfg)
    if is_whole:
        with built_runner(cfg, loaders, on_data=data) as runner:
            if data and fits:
                report.add('padding', unequal_sizes(cfg, loaders))
                report.add('evaluation', evaluation(cfg, model, runner, loaders))
    if fits and cfg.get('train_dataloader') and cfg.get('optim_wrapper'):
        loader = loaders['train_dataloader'] if data else None
        _train(cfg, gpus, report, model, loader)
        if loader and report.loss is not None:
            report.add('BatchNorm', last_batch(cfg, model, loader, gpus))


def _can_be_used(cfg: Config, report: Report) -> bool:
    """Look into the annotation files, and tell whether a run can use them.

    Raises:
        InputError: the data is not there, or its classes are not known.
    """
    require_data(cfg, *LOADERS)
    try:
        faults = list(annotation_faults(cfg))
    except InputError:
        if any(finding.check == 'lists' for finding in report.findings):
            return False  # the classes are no list, which has been said
        raise
    report.add('annotations', map(str, faults))
    return all(each.fault.kind.outcome != 'stops' for each in faults)


def _train(
    cfg: Config,
    gpus: int | None,
    report: Report,
    model: BaseModel,
    loader: DataLoader | None,
) -> None:
    """Train for a step on the first batch, or on noise if there is no dataloader.

    Raises:
        InputError: the batch cannot be loaded.
    """
    with explained(cfg, 'train_dataloader'):
        batch = next(iter(loader)) if loader else None
    try:
        images = batch or noise(cfg, model, count=images_normalised(cfg, gpus))
        step = training_step(model, build_optimizer(cfg, model), images)
    except Exception as error:  # a real mistake, or images that this model cannot take
        if is_single_value(error):
            report.add('BatchNorm', [SINGLE_VALUE])
            return
        reason = f'the training step failed: {explain(cfg, error)}'
        advice = '' if batch else '. That was on noise: try --on-data'
        report.add('training step', [f'{reason}{advice}'])
        return
    report.loss = step.loss
    report.add('no gradient', no_gradient(cfg, model, step.unreached))


def _build(cfg: Config) -> BaseModel:
    """Build model, transforms, optimizer and schedulers; return the model."""
    forget_weights(cfg.model)
    with explained(cfg, 'model'):
        model = build_model(cfg)
        model.init_weights()
    build_transforms(cfg)
    if cfg.get('optim_wrapper'):
        with explained(cfg, 'optim_wrapper'):
            optimizer = build_optimizer(cfg, model).optimizer
        schedulers = cfg.get('param_scheduler') or []
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            build_scheduler(scheduler, optimizer)
    return model


@contextmanager
def _seeded() -> Iterator[None]:
    """Seed random numbers for each check, and restore the caller's generators."""
    others = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            yield
    finally:
        random.setstate(others[0])
        np.random.set_state(others[1])
