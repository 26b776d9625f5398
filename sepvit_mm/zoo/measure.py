"""Measure what the manifest claims of a config's size."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch

from ..complexity import count_macs, count_parameters
from ..engine.config import load_config
from ..engine.models import build_model
from .manifest import config_path, models


class Measured(NamedTuple):
    """Sizes of a config's model.

    Attributes:
        parameters: of the whole model.
        macs: multiply-accumulates, counted as the config's entry says.
    """

    parameters: int
    macs: int


@cache
def measure(name: str) -> Measured:
    """Build a config's model without memory, and count.

    Args:
        name: A name in the manifest.
    """
    model = build_model(load_config(config_path(name)), device='meta').eval()
    counted = models()[name].counted
    images = torch.zeros(1, 3, *counted.shape, device='meta')
    macs = count_macs(model, images, kinds=counted.kinds, as_defined=True)
    return Measured(count_parameters(model), macs)
