"""The models that a benchmark compares: backbones by name, whole models by config."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.registry import MODELS
from torch import Tensor, nn

from ..backbones import FourStageBackbone
from ..check import random_batch
from ..engine import build_model, load_config
from ..errors import InputError
from ..measure.literal import literal_copy
from ..measure.peers import PEERS, peer
from ..projects.backbones import BACKBONES

LITERAL = 'literal'
NAMED = {
    name: backbone
    for name, backbone in BACKBONES.items()
    if backbone.kind != 'ResNet' and not backbone.is_reduced
}
"""Our backbones; the reductions of ``new`` are only known to its configs."""


@dataclass(frozen=True)
class Contender:
    """A model to measure.

    Attributes:
        name: as it was given; the stem of a config.
        model: the model.
        forward: what is measured, see :class:`sepvit_mm.measure.cases.Case`.
    """

    name: str
    model: nn.Module
    forward: Callable[[nn.Module, Tensor], Any] = nn.Module.__call__


def contender(name: str, shape: tuple[int, int], literal_of: str) -> Contender:
    """Make a model by its name.

    Args:
        name: of a backbone of ours or of timm, ``literal``, or a config file.
        shape: height and width of the images.
        literal_of: name of our backbone that ``literal`` stands for.

    Raises:
        InputError: there is no such model, or a library is missing.
    """
    if name in PEERS:
        return Contender(name, peer(name, shape))
    if name == LITERAL:
        model = literal_copy(_ours(literal_of))
        return Contender(f'{literal_of}, literally', model)
    if name in NAMED:
        return Contender(name, _ours(name))
    if not name.endswith('.py'):
        known = ', '.join([*NAMED, LITERAL, *PEERS])
        raise InputError(f'{name} is no config, and not one of {known}')
    cfg = load_config(name)
    cfg.model.backbone.init_cfg = None
    return Contender(Path(name).stem, build_model(cfg), WholeModel(cfg.default_scope))


def _ours(name: str) -> FourStageBackbone:
    backbone = NAMED[name]
    model: FourStageBackbone = MODELS.build(
        dict(type=backbone.kind, arch=backbone.arch)
    )
    return model


@dataclass(frozen=True)
class WholeModel:
    """Run a detector, segmentor or classifier on images of noise.

    Attributes:
        scope: 'mmdet', 'mmseg' or 'mmpretrain'.
    """

    scope: str

    def __call__(self, model: nn.Module, images: Tensor) -> Any:
        """Predict, or compute the losses in training.

        Args:
            model: the whole model, whose pre-processing is included.
            images: (B, C, H, W), for their number, size and channels.
        """
        count, channels, height, width = images.shape
        batch = random_batch(
            self.scope, (height, width), channels=channels, count=count
        )
        if not model.training:
            return model.test_step(batch)  # type: ignore[operator]
        data = model.data_preprocessor(copy.deepcopy(batch), True)  # type: ignore
        losses = model(**data, mode='loss')
        return model.parse_losses(losses)[0]  # type: ignore[operator]
