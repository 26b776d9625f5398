"""Run all checks of a config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from ..engine.models import build_model, build_optimizer, build_scheduler
from .annotations import annotation_faults
from .batches import batch_size, lonely_sync_bn
from .data import build_transforms, first_batch
from .keys import ignored_keys
from .model import channels, classes, no_gradient
from .step import noise, training_step
from .weights import forget_weights, missing_files


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

    Its model is built and trained for one step without a GPU; nothing is downloaded and
    no weights are loaded. Datasets need not exist, unless ``on_data``.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        gpus: number of GPUs that will train it. Defaults to as many as its
            ``auto_scale_lr.base_batch_size`` needs.
        on_data: whether to train on a batch of ``train_dataloader`` instead of noise.
            Defaults to False.

    Returns:
        The findings, or why the config is unusable.
    """
    cfg = deepcopy(cfg)
    report = Report()
    try:
        report.add('ignored keys', ignored_keys(cfg))
        report.add('pretrained file', missing_files(cfg))
        report.add('batch size', batch_size(cfg, gpus))
        report.add('SyncBN', lonely_sync_bn(cfg, gpus))
        model = _build(cfg)
        report.add('classes', classes(cfg, model))
        fits = report.add('channels', channels(cfg, model))
        if on_data:
            report.add('annotations', annotation_faults(cfg))
        batch = first_batch(cfg) if on_data and fits else None
    except Exception as error:  # of any kind, from any library
        report.unusable = f'{type(error).__name__}: {error}'
        return report
    if not fits:
        return report
    try:
        with _seeded():
            batch = batch or noise(cfg, model)
            step = training_step(model, build_optimizer(cfg, model), batch)
    except Exception as error:  # a real mistake, or images that this model cannot take
        reason = f'the training step failed: {type(error).__name__}: {error}'
        advice = '' if on_data else '. That was on noise: try --on-data'
        report.add('training step', [f'{reason}{advice}'])
        return report
    report.loss = step.loss
    report.add('no gradient', no_gradient(cfg, model, step.unreached))
    return report


def _build(cfg: Config) -> BaseModel:
    """Build all that training needs, to find errors; return the model."""
    forget_weights(cfg.model)
    with _seeded():
        model = build_model(cfg)
        model.init_weights()
    build_transforms(cfg)
    optimizer = build_optimizer(cfg, model).optimizer
    schedulers = cfg.get('param_scheduler') or []
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        build_scheduler(scheduler, optimizer)
    return model


@contextmanager
def _seeded() -> Iterator[None]:
    """Seed random numbers for each check, and restore the caller's generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
