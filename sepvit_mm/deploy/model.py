"""An exported model in the place of the one it was exported from, to evaluate it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import InstanceData
from torch import Tensor

from ..engine import evaluate
from ..errors import InputError
from .folder import read_description
from .session import open_session


def evaluate_exported(
    cfg: Config, folder: str | Path, **options: Any
) -> dict[str, float]:
    """Evaluate an exported model on a config's ``test_dataloader``.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; its data, evaluators and test
            pipeline are used, and its model's pre-processor.
        folder: of the exported model.
        options: as for :func:`sepvit_mm.engine.evaluate`.

    Returns:
        All metrics of the config's evaluators, by name.

    Raises:
        InputError: the folder has no model, or data is missing.
    """
    if read_description(folder).task == 'features':
        raise InputError(f'{folder} has a backbone alone, which has no metrics')
    cfg = Config(cfg.to_dict(), filename=cfg.filename)
    original = cfg.model.copy()
    if isinstance(original.get('backbone'), dict):
        original.backbone.init_cfg = None
    cfg.model = dict(type='ExportedModel', folder=str(folder), original=original)
    return evaluate(cfg, None, **options)


@MODELS.register_module()
class ExportedModel(BaseModel):
    """Predicts by an exported model.

    Args:
        folder: of the exported model.
        original: settings of the model that it was exported from, whose pre-processor
            and post-processing are used.
    """

    def __init__(self, folder: str, original: dict[str, Any]) -> None:
        super().__init__()
        self.description = read_description(folder)
        self.session = open_session(Path(folder), self.description)
        self.original = MODELS.build(original)
        self.data_preprocessor = self.original.data_preprocessor

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[Any] | None = None,
        mode: str = 'predict',
    ) -> list[Any]:
        """Predict a batch that the pre-processor has prepared.

        Args:
            inputs: (B, 3, H, W).
            data_samples: of the images.
            mode: only 'predict'.
        """
        assert mode == 'predict' and data_samples is not None
        size = tuple(inputs.shape[2:])
        if self.description.size not in (None, size):
            raise InputError(
                f'the model is for images of {self.description.size}, but this one is '
                f'prepared as {size}'
            )
        feeds = {'images': inputs.cpu().numpy()}
        if 'sizes' in self.description.inputs:
            sizes = [sample.img_shape for sample in data_samples]
            feeds['sizes'] = np.array(sizes, np.int64)
        found = {
            name: torch.from_numpy(np.asarray(value))
            for name, value in self.session(feeds).items()
        }
        fill = {
            'classification': self._classify,
            'semantic': self._segment,
        }.get(self.description.task, self._detect)
        return fill(found, data_samples)

    def _classify(self, found: dict[str, Tensor], samples: list[Any]) -> list[Any]:
        for scores, sample in zip(found['scores'], samples):
            sample.set_pred_score(scores).set_pred_label(scores.argmax())
        return samples

    def _segment(self, found: dict[str, Tensor], samples: list[Any]) -> list[Any]:
        return self.original.postprocess_result(found['logits'], samples)

    def _detect(self, found: dict[str, Tensor], samples: list[Any]) -> list[Any]:
        for index, sample in enumerate(samples):
            own = found['image'] == index
            boxes, labels = found['boxes'][own], found['labels'][own]
            objects = InstanceData(scores=found['scores'][own], labels=labels)
            factors = boxes.new_tensor(sample.scale_factor).repeat(2)
            if 'masks' in found:
                objects.masks = self._pasted(found['masks'][own], boxes, labels, sample)
            objects.bboxes = boxes / factors
            sample.pred_instances = objects
        return samples

    def _pasted(
        self, masks: Tensor, boxes: Tensor, labels: Tensor, sample: Any
    ) -> Tensor:
        """Paste masks of boxes into the whole image, as mmdet does."""
        head = self.original.roi_head
        shape = sample.ori_shape
        if not len(masks):
            return torch.zeros((0, *shape[:2]), dtype=torch.bool)
        logits = masks.clamp(1e-6, 1 - 1e-6).logit()
        count = 1 if head.mask_head.class_agnostic else head.mask_head.num_classes
        return head.mask_head._predict_by_feat_single(
            mask_preds=logits[:, None].expand(-1, count, -1, -1),
            bboxes=boxes.clone(),
            labels=labels,
            img_meta=sample.metainfo,
            rcnn_test_cfg=head.test_cfg,
            rescale=True,
        )
