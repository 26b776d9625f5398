"""Run a model once on held-out data, and keep truth and predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, init_default_scope

from ..engine import evaluate

if TYPE_CHECKING:
    from mmengine.runner import Runner

Task = Literal['detection', 'instance', 'semantic', 'classification']


@dataclass
class HeldOut:
    """Truth and predictions of held-out images.

    Attributes:
        classes: their names.
        metrics: what the config's evaluators say.
        paths: of the images, in the order of the dataset.
        truth: for each image what the library's data sample says: a list of objects
            in COCO's format, a label map, or the number of a class.
        found: the same for predictions; for a classifier the scores of all classes.
        sizes: width and height of each image.
    """

    classes: tuple[str, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    truth: list[Any] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)


def task_of(cfg: Config) -> Task:
    """Tell what a config's model does.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`.
    """
    scope = cfg.get('default_scope')
    if scope == 'mmseg':
        return 'semantic'
    if scope == 'mmpretrain':
        return 'classification'
    heads = str(cfg.model)
    return 'instance' if 'mask_head' in heads else 'detection'


def predict_held_out(
    cfg: Config,
    checkpoint: str | Path,
    split: str = 'val',
    advance: Callable[[int, int], None] | None = None,
) -> HeldOut:
    """Run a model once on held-out data.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        checkpoint: file of the weights.
        split: 'val' or 'test'. Defaults to 'val'.
        advance: called with the batches done and all of them. Defaults to None.

    Raises:
        InputError: data or the checkpoint is missing or does not fit.
    """
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    if split == 'val':
        cfg.test_dataloader = cfg.val_dataloader
        cfg.test_evaluator = cfg.val_evaluator
        cfg.setdefault('test_cfg', {})
    collector = _Collector(task_of(cfg), advance)
    # mmengine dumps the config into the work dir, which must stay as training left it
    with TemporaryDirectory() as folder:
        cfg.work_dir = folder
        collector.seen.metrics = evaluate(cfg, checkpoint, hooks=[collector])
    return collector.seen


class _Collector(Hook):
    """Keep of every data sample what a report needs, on the CPU."""

    def __init__(self, task: Task, advance: Callable[[int, int], None] | None) -> None:
        self.task, self.advance = task, advance
        self.seen = HeldOut()
        self._records: dict[str, dict[str, Any]] = {}

    def before_test(self, runner: Runner) -> None:
        dataset = runner.test_dataloader.dataset
        self.seen.classes = tuple(dataset.metainfo.get('classes') or ())
        if self.task in ('detection', 'instance'):
            records = (dataset.get_data_info(i) for i in range(len(dataset)))
            self._records = {record['img_path']: record for record in records}

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        for sample in outputs:
            truth, found, size = getattr(self, f'_{self.task}')(sample)
            self.seen.paths.append(str(getattr(sample, 'img_path', '')))
            self.seen.truth.append(truth)
            self.seen.found.append(found)
            self.seen.sizes.append(size)
        if self.advance:
            self.advance(batch_idx + 1, len(runner.test_dataloader))

    def _detection(self, sample: Any, masks: bool = False) -> tuple[Any, Any, Any]:
        height, width = sample.ori_shape
        truth = [
            _object(each, width, height, masks)
            for each in self._records[sample.img_path].get('instances', [])
        ]
        predicted = sample.pred_instances.cpu()
        found = []
        for index, (box, score, label) in enumerate(
            zip(predicted.bboxes, predicted.scores, predicted.labels)
        ):
            entry = dict(bbox=_sides(box.tolist()), score=float(score))
            entry['category_id'] = int(label) + 1
            if masks:
                entry['segmentation'] = _encoded(predicted.masks[index])
            found.append(entry)
        return truth, found, (width, height)

    def _instance(self, sample: Any) -> tuple[Any, Any, Any]:
        return self._detection(sample, masks=True)

    def _semantic(self, sample: Any) -> tuple[Any, Any, Any]:
        truth = sample.gt_sem_seg.data.squeeze(0).cpu().numpy().astype(np.uint8)
        found = sample.pred_sem_seg.data.squeeze(0).cpu().numpy().astype(np.uint8)
        return truth, found, truth.shape[::-1]

    def _classification(self, sample: Any) -> tuple[Any, Any, Any]:
        height, width = getattr(sample, 'ori_shape', (0, 0))
        return int(sample.gt_label), sample.pred_score.cpu().numpy(), (width, height)


def _sides(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def _encoded(mask: Any) -> dict[str, Any]:
    from pycocotools import mask as coco

    pixels = mask.numpy() if isinstance(mask, torch.Tensor) else mask
    return coco.encode(np.asfortranarray(pixels.astype(np.uint8)))


def _object(
    entry: dict[str, Any], width: int, height: int, masks: bool
) -> dict[str, Any]:
    """Convert an instance of mmdet to COCO's format."""
    box = _sides([float(value) for value in entry['bbox']])
    truth: dict[str, Any] = dict(
        bbox=box,
        category_id=entry['bbox_label'] + 1,
        iscrowd=int(bool(entry.get('ignore_flag'))),
        area=box[2] * box[3],
    )
    if masks and entry.get('mask'):
        from pycocotools import mask as coco

        shape = entry['mask']
        if isinstance(shape, list):
            shape = coco.merge(coco.frPyObjects(shape, height, width))
        elif isinstance(shape['counts'], list):
            shape = coco.frPyObjects(shape, height, width)
        truth['segmentation'] = shape
        truth['area'] = float(coco.area(shape))
    return truth


def coco_content(seen: HeldOut) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return truth and detections as the content of COCO files.

    Args:
        seen: of a detector. Images, objects and classes are numbered from 1.
    """
    annotations: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, (objects, detections) in enumerate(zip(seen.truth, seen.found), start=1):
        for entry in objects:
            number = len(annotations) + 1
            annotations.append({**entry, 'id': number, 'image_id': image})
        found += [{**entry, 'image_id': image} for entry in detections]
    images = [
        dict(id=number, width=width, height=height, file_name=path)
        for number, (path, (width, height)) in enumerate(
            zip(seen.paths, seen.sizes), start=1
        )
    ]
    categories = [dict(id=i, name=name) for i, name in enumerate(seen.classes, 1)]
    truth = dict(images=images, annotations=annotations, categories=categories)
    return truth, found


def data_counts(cfg: Config) -> dict[str, str]:
    """Count the images of a config's datasets; what cannot be read says why.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`.
    """
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    counts = {}
    for phase in ('train', 'val', 'test'):
        node = (cfg.get(f'{phase}_dataloader') or {}).get('dataset')
        if node:
            try:
                counts[phase] = f'{len(DATASETS.build(node))} images'
            except Exception as error:  # of any kind: data need not be on this machine
                counts[phase] = f'not readable here ({type(error).__name__})'
    return counts
