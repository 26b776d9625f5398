"""Predict the test data of a run once, and keep of it what a report needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, init_default_scope
from torch.utils.data import BatchSampler

from ..engine import evaluate
from . import classes, objects, pixels
from .parts import Findings, Pair


class Task(Protocol):
    """What a module must have to report on a task."""

    def take(self, sample: Any, record: Mapping[str, Any]) -> Any:
        """Take truth and prediction out of a data sample, in little memory."""

    def measure(self, taken: list[Any], names: list[str], cfg: Config) -> Findings:
        """Find out what the predictions say about the model."""

    def pair(self, taken: Any, names: list[str], threshold: float) -> Pair:
        """Return truth and prediction as they are drawn."""


# By the part of a data sample that tells the task.
TASKS: dict[str, Task] = {
    'pred_instances': objects,
    'pred_sem_seg': pixels,
    'pred_score': classes,
}


@dataclass(eq=False)
class HeldOut(Hook):
    """The test data with what was predicted on it, collected during one test.

    Attributes:
        metrics: of the config's evaluators.
        dataset: the test dataset.
        meta: its meta information.
        task: how to report on it; None if nothing was predicted.
        images: index in the dataset and path of each image, None if unknown.
        taken: truth and prediction of each image.
        missing: a sentence for each thing that could not be had.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    dataset: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    task: Task | None = None
    images: list[tuple[int | None, str | None]] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the classes."""
        return [str(name) for name in self.meta.get('classes') or ()]

    def before_test(self, runner: Any) -> None:
        """Begin to collect.

        Args:
            runner: the runner with the data loader.
        """
        self.dataset = runner.test_dataloader.dataset
        self.meta = getattr(self.dataset, 'metainfo', {})
        sampler = getattr(runner.test_dataloader, 'batch_sampler', None)
        self._batches: Iterator[list[int]] = iter(())
        if isinstance(sampler, BatchSampler):  # one that can be read twice
            self._batches = iter(sampler)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Collect the images of one batch.

        Args:
            runner: unused.
            batch_idx: unused.
            data_batch: unused.
            outputs: the data samples of the batch, with predictions and truth.
        """
        indices = next(self._batches, [None] * len(outputs))
        for index, sample in zip(indices, outputs):
            if self.task is None:
                self.task = next((t for k, t in TASKS.items() if k in sample), None)
            if self.task is None:
                continue
            known = index is not None and hasattr(self.dataset, 'get_data_info')
            record = self.dataset.get_data_info(index) if known else {}
            self.images.append((index, _path_of(sample, record)))
            self.taken.append(self.task.take(sample, record))


def _path_of(sample: Any, record: Mapping[str, Any]) -> str | None:
    path = getattr(sample, 'img_path', None) or record.get('img_path')
    return path[0] if isinstance(path, (list, tuple)) else path


def predict_held_out(
    cfg: Config, checkpoint: str | Path, *, device: str | None = None
) -> HeldOut:
    """Predict the config's test data, once, for metrics and report alike.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        checkpoint: the file.
        device: such as 'cuda:1'. Defaults to None: a GPU if there is one.

    Raises:
        InputError: data or the checkpoint is missing or does not fit.
    """
    held_out = HeldOut()
    held_out.metrics = evaluate(cfg, checkpoint, device=device, hooks=[held_out])
    if held_out.task is None:
        held_out.missing.append(
            'The predictions are neither boxes nor label maps nor classes: only the '
            'metrics are shown.'
        )
    return held_out


def count_images(cfg: Config, dataloader: str) -> int | None:
    """Count the images that a dataset yields in an epoch.

    Args:
        cfg: a loaded config.
        dataloader: the key of its data loader.

    Returns:
        The number; None if the dataset cannot be built.
    """
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    try:
        return len(DATASETS.build(deepcopy(cfg[dataloader].dataset)))
    except Exception:  # of any kind: the dataset is the user's, and so are its files
        return None
