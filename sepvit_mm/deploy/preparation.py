"""What is done to an image before a graph sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mmengine.config import Config
from torch import nn

from ..engine.config import type_of
from ..engine.metainfo import tested_dataset
from ..errors import InputError

Resize = Literal['none', 'fit', 'exact', 'factor', 'short_edge']
IGNORED = ('Load', 'Pack')  # beginnings of transforms that change no pixel


@dataclass(frozen=True)
class Preparation:
    """How to make a graph's input from a photograph.

    Attributes:
        resize: 'fit' keeps the ratio and fits the image into ``width`` x ``height``
            in either orientation; 'exact' does not keep it; 'factor' multiplies both
            sides; 'short_edge' gives the shorter side a length; or 'none'. Always
            bilinear, without smoothing.
        width: of the image, or the length or factor.
        height: of the image.
        crop: side of the square cut out of the middle. Defaults to None: the whole.
        channels: their order.
        mean: of each channel, which is subtracted.
        std: of each channel, by which the rest is divided.
        pad_multiple: sides are padded to multiples of it, right and bottom, after
            normalisation, with zeros.
    """

    resize: Resize
    width: float
    height: float
    crop: int | None
    channels: Literal['RGB', 'BGR']
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pad_multiple: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)


def preparation_of(cfg: Config, model: nn.Module) -> Preparation:
    """Read the test pipeline and the model's pre-processor.

    Args:
        cfg: the config.
        model: its model.

    Raises:
        InputError: the pipeline has a transform that exported models do not have.
    """
    resize: tuple[Resize, float, float] = ('none', 0, 0)
    crop = None
    for transform in tested_dataset(cfg).pipeline:
        kind = type_of(transform)
        if kind.startswith(IGNORED):
            continue
        if kind == 'CenterCrop':
            crop = int(transform['crop_size'])
        elif resize[0] == 'none' and kind in ('Resize', 'ResizeEdge'):
            resize = _resizing(kind, transform)
        else:
            raise InputError(
                f'the test pipeline has {kind}, which exported models do not have; '
                'they can resize once (Resize, ResizeEdge) and cut (CenterCrop)'
            )
    own = model.data_preprocessor
    is_rgb = getattr(own, '_channel_conversion', False) or getattr(
        own, 'channel_conversion', False
    )
    is_rgb = is_rgb or getattr(own, 'to_rgb', False)
    mean, std = getattr(own, 'mean', None), getattr(own, 'std', None)
    return Preparation(
        *resize,
        crop,
        'RGB' if is_rgb else 'BGR',
        (0.0,) * 3 if mean is None else tuple(mean.flatten().tolist()),
        (1.0,) * 3 if std is None else tuple(std.flatten().tolist()),
        _divisor(own),
    )


def _resizing(kind: str, transform: Mapping[str, Any]) -> tuple[Resize, float, float]:
    scale = transform.get('scale')
    if kind == 'ResizeEdge':
        if transform.get('edge', 'short') != 'short':
            raise InputError('ResizeEdge: only the short edge can be exported')
        return 'short_edge', float(scale or 0), 0
    if scale is None:
        factor = transform.get('scale_factor')
        if not isinstance(factor, (int, float)):
            raise InputError(f'Resize has scale_factor={factor}, but needs a number')
        return 'factor', float(factor), 0
    width, height = (scale, scale) if isinstance(scale, int) else scale
    return 'fit' if transform.get('keep_ratio') else 'exact', width, height


def _divisor(preprocessor: Any) -> int:
    """Return what the sides of test images are padded to multiples of."""
    in_tests = getattr(preprocessor, 'test_cfg', None) or {}
    if in_tests.get('size'):
        raise InputError('data_preprocessor.test_cfg.size cannot be exported')
    if hasattr(preprocessor, 'size_divisor'):  # mmseg pads to it in training only
        return int(in_tests.get('size_divisor') or 1)
    return int(getattr(preprocessor, 'pad_size_divisor', None) or 1)
