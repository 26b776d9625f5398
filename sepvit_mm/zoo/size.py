"""Measure what the manifest claims of a config's size."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch

from ..measure.macs import count_macs, count_parameters
from ..engine.config import load_config
from ..engine.models import build_model
from .manifest import config_path, models


class Size(NamedTuple):
    """Sizes of a config's model.

    Attributes:
        parameters: of the whole model.
        macs: multiply-accumulates, counted as the config's entry says.
    """

    parameters: int
    macs: int


@cache
def size_of(name: str) -> Size:
    """Build a config's model without memory, and count.

    Args:
        name: A name in the manifest.
    """
    model = build_model(load_config(config_path(name)), device='meta').eval()
    counted = models()[name].counted
    images = torch.zeros(1, 3, *counted.shape, device='meta')
    macs = count_macs(model, images, kinds=counted.kinds)
    return Size(count_parameters(model), macs)
