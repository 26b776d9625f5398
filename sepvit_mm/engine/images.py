"""Tell how many channels a model's images have."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from mmengine.config import Config
from torch import nn

SIZE = 224  # what backbones of a fixed size take


def image_channels(cfg: Config, model: nn.Module) -> int:
    """Return the number of channels of a model's images.

    The backbone decides: its config's ``in_channels`` or ``in_chans``, else its first
    convolution. The means of the preprocessor do not: there may be none, or one for
    all channels. They are asked only where the first convolution sees something else
    than the image, such as its pixels in groups of four.

    Args:
        cfg: the model's config.
        model: from :func:`sepvit_mm.engine.build_model`, on any device.
    """
    settings = cfg.model.get('backbone')
    for key in ('in_channels', 'in_chans'):
        if isinstance(settings, Mapping) and isinstance(settings.get(key), int):
            return settings[key]
    backbone = getattr(model, 'backbone', model)
    convolutions = (m for m in backbone.modules() if isinstance(m, nn.Conv2d))
    first = next(convolutions, None)
    mean = getattr(getattr(model, 'data_preprocessor', None), 'mean', None)
    guesses = [first.in_channels] if first is not None else []
    guesses += [3] if mean is None else [mean.numel(), 3]
    if guesses.count(guesses[0]) == len(guesses):
        return guesses[0]
    return next((n for n in guesses if _takes(backbone, n)), guesses[0])


def _takes(backbone: nn.Module, channels: int) -> bool:
    """Tell whether a backbone runs on images with this number of channels."""
    device = next(backbone.parameters()).device
    modes = {module: module.training for module in backbone.modules()}
    backbone.eval()  # some backbones of mmdet return None from eval()
    try:
        with torch.no_grad():
            backbone(torch.zeros(1, channels, SIZE, SIZE, device=device))
    except Exception:  # of any kind, from any library
        return False
    finally:
        for module, training in modes.items():
            module.training = training
    return True
