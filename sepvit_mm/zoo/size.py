"""Count the parameters and multiply-accumulates of a config's model."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch

from ..engine.config import load_config
from ..engine.models import build_model
from ..measure.macs import count_macs, count_parameters
from .manifest import config_path, models


class Size(NamedTuple):
    """The size of a config's model.

    Attributes:
        parameters: those of the whole model.
        macs: multiply-accumulates for one image, counted as the manifest says.
    """

    parameters: int
    macs: int


@cache
def size_of(name: str) -> Size:
    """Count a config's model, built and run on the meta device.

    Args:
        name: name of a config in the manifest.

    Raises:
        KeyError: the manifest has no such config.
    """
    counted = models()[name].counted
    model = build_model(load_config(config_path(name)), device='meta').eval()
    images = torch.zeros(1, 3, *counted.shape, device='meta')
    macs = count_macs(model, images, kinds=counted.kinds)
    return Size(count_parameters(model), macs)
