"""Evaluate a model on a few images, as its validation and test would on all."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner

from .explain import explain, explained
from .loaders import Loaders, samples

MOST_SAMPLES = 16  # whose sizes are compared


def unequal_sizes(cfg: Config, loaders: Loaders) -> Iterator[str]:
    """Find batches of images that evaluation has to pad to one size.

    A few images from all over the dataset are looked at.

    Raises:
        InputError: an image cannot be loaded.
    """
    for key in ('val_dataloader', 'test_dataloader'):
        each = (cfg.get(key) or {}).get('batch_size', 1)
        if key not in loaders or each == 1:
            continue
        with explained(cfg, key):
            some = samples(loaders[key].dataset, MOST_SAMPLES)
            images = [sample['inputs'] for sample in some]
        sizes = {tuple(image.shape[-2:]) for image in images if torch.is_tensor(image)}
        if len(sizes) > 1:
            (a, b), (c, d) = sorted(sizes)[0], sorted(sizes)[-1]
            yield (
                f'{key} has batches of {each} images of unequal sizes, such as {a} x '
                f'{b} and {c} x {d}: they are padded to one size, and the padding '
                'changes features, so the metrics depend on the batch size: set '
                f'{key}.batch_size to 1'
            )


def evaluation(
    cfg: Config, model: BaseModel, runner: Runner, loaders: Loaders
) -> Iterator[str]:
    """Find what fails in predicting and evaluating one batch.

    Args:
        cfg: the config.
        model: its model; it is in evaluation mode afterwards, and predicts everything,
            however low its score.
        runner: from :func:`sepvit_mm.check.run.built_runner`.
        loaders: from :func:`sepvit_mm.check.loaders.on_data`.
    """
    model.eval()
    _keep_all(model)
    done: list[Any] = []
    for kind in ('val', 'test'):
        keys = [f'{kind}_{part}' for part in ('dataloader', 'evaluator', 'cfg')]
        settings = [cfg.get(key) for key in keys[:2]]
        if keys[0] not in loaders or settings in done:
            continue
        done.append(settings)
        at = keys[0]
        try:
            loop = getattr(runner, f'{kind}_loop')
            batch = next(iter(loaders[at]))
            with torch.no_grad():
                outputs = getattr(model, f'{kind}_step')(batch)
            at = keys[1]
            _evaluate(loop.evaluator, batch, outputs)
        except Exception as error:  # of any kind, from any library
            yield explain(cfg, error, at)


def _keep_all(model: BaseModel) -> None:
    """Lower the thresholds of scores: random weights would give no prediction."""

    def lower(node: Any) -> None:
        if isinstance(node, MutableMapping):
            if 'score_thr' in node:
                node['score_thr'] = 0.0
            for value in node.values():
                lower(value)

    for module in model.modules():
        lower(getattr(module, 'test_cfg', None))


def _evaluate(evaluator: Evaluator, batch: Any, outputs: list[Any]) -> None:
    """Evaluate predictions; COCO's metrics only on the images that were predicted."""
    for metric in evaluator.metrics:
        if getattr(metric, 'img_ids', 0) is None:
            metric.img_ids = [output.img_id for output in outputs]
    evaluator.process(data_samples=outputs, data_batch=batch)
    evaluator.evaluate(len(outputs))
