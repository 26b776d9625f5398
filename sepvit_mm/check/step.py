"""Run one training step of a config's model, on noise or on real images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.structures import BaseDataElement, InstanceData, PixelData

from ..engine.images import image_channels
from ..errors import InputError

# Height and width of random images: small, but a classifier may need its own size.
SIZES = {'mmdet': (96, 64), 'mmseg': (96, 64), 'mmpretrain': (224, 224)}
BOX = (16, 8, 48, 40)  # left, top, right, bottom of the only object


class Step(NamedTuple):
    """The result of one training step.

    Attributes:
        loss: sum of all losses.
        unreached: names of parameters that require a gradient but got none.
    """

    loss: float
    unreached: list[str]


def random_batch(
    scope: str,
    size: tuple[int, int] | None = None,
    *,
    channels: int = 3,
    count: int = 2,
) -> dict[str, Any]:
    """Make images of noise with one object each, as a dataloader gives them.

    Args:
        scope: 'mmdet', 'mmseg' or 'mmpretrain'.
        size: height and width, at least 48. Defaults to that of the scope in
            :data:`SIZES`.
        channels: channels of the images. Defaults to 3.
        count: number of images. Defaults to 2.

    Returns:
        ``inputs`` and ``data_samples``.

    Raises:
        KeyError: the scope is another.
    """
    size = size or SIZES[scope]
    images = list(torch.randint(0, 256, (count, channels, *size), dtype=torch.uint8))
    samples = [_SAMPLES[scope](size) for _ in images]
    for sample in samples:
        sample.set_metainfo(
            dict(ori_shape=size, img_shape=size, scale_factor=(1.0, 1.0))
        )
    return dict(inputs=images, data_samples=samples)


def _detection_sample(size: tuple[int, int]) -> BaseDataElement:
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    left, top, right, bottom = BOX
    mask = np.zeros((1, *size), dtype=np.uint8)
    mask[:, top:bottom, left:right] = 1
    truth = InstanceData(
        bboxes=torch.tensor([BOX], dtype=torch.float32),
        labels=torch.tensor([0]),
        masks=BitmapMasks(mask, *size),
    )
    nothing = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    stuff = PixelData(sem_seg=torch.zeros(1, *size, dtype=torch.long))
    return DetDataSample(
        gt_instances=truth, ignored_instances=nothing, gt_sem_seg=stuff
    )


def _segmentation_sample(size: tuple[int, int]) -> BaseDataElement:
    from mmseg.structures import SegDataSample

    truth = torch.zeros(1, *size, dtype=torch.long)
    truth[:, : size[0] // 2] = 1
    return SegDataSample(gt_sem_seg=PixelData(data=truth))


def _classification_sample(size: tuple[int, int]) -> BaseDataElement:
    from mmpretrain.structures import DataSample

    return DataSample().set_gt_label(1)


_SAMPLES = {
    'mmdet': _detection_sample,
    'mmseg': _segmentation_sample,
    'mmpretrain': _classification_sample,
}


def noise(cfg: Config, model: BaseModel, *, count: int = 2) -> dict[str, Any]:
    """Make a random batch, and keep the model's preprocessor from enlarging it.

    A single image is larger, so that as many pixels of the smallest maps are left as
    images of the usual size have: only what is pooled to one pixel has one.

    Args:
        cfg: the model's config.
        model: the model; its preprocessor is changed.
        count: number of images. Defaults to 2.

    Raises:
        InputError: the model's library is not one of :data:`SIZES`.
    """
    scope = cfg.get('default_scope') or type(model).__module__.partition('.')[0]
    if scope not in SIZES:
        raise InputError(f'default_scope is {scope}, but must be one of {[*SIZES]}')
    height, width = SIZES[scope]
    if count == 1 and scope != 'mmpretrain':
        height, width = 4 * height, 4 * width
    if getattr(model.data_preprocessor, 'size', None) is not None:
        model.data_preprocessor.size = height, width
    channels = image_channels(cfg, model)
    return random_batch(scope, (height, width), channels=channels, count=count)


def training_step(
    model: BaseModel, optimizer: OptimWrapper, batch: Mapping[str, Any]
) -> Step:
    """Train a model on one batch, and leave the gradients in place.

    Args:
        model: from :func:`sepvit_mm.engine.build_model`; changed in place.
        optimizer: optimizes the model's parameters.
        batch: a batch as a dataloader gives it.

    Returns:
        The loss, and the parameters without a gradient.

    Raises:
        FloatingPointError: the loss, or a parameter after the step, is not finite.
    """
    model.train()
    data = model.data_preprocessor(batch, training=True)
    loss, _ = model.parse_losses(model(**data, mode='loss'))
    if not loss.isfinite():
        raise FloatingPointError(f'the loss is {loss.item()}')
    optimizer.backward(loss)
    unreached = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    optimizer.step()
    broken = [n for n, p in model.named_parameters() if not p.isfinite().all()]
    if broken:
        raise FloatingPointError(f'not finite after the step: {", ".join(broken)}')
    return Step(loss.item(), unreached)
