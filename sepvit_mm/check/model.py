"""Check that a model's parts fit each other and the data, and that all learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from ..engine.images import image_channels
from .data import numbers_of_classes
from .step import SIZES

HEADS = ('decode_head', 'auxiliary_head', 'bbox_head', 'mask_head', 'head')


def classes(cfg: Config, model: BaseModel) -> Iterator[str]:
    """Find heads with another number of classes than the data has."""
    if hasattr(model, 'panoptic_fusion_head'):
        return  # its heads divide the classes between them
    counts = numbers_of_classes(cfg)
    for name, given in _classifying_heads(model):
        for count in sorted(set().union(*counts.values()) - {given}):
            loaders = ', '.join(loader for loader in counts if count in counts[loader])
            yield f'model.{name}.num_classes is {given}, but {count} are in {loaders}'


def _classifying_heads(model: BaseModel) -> Iterator[tuple[str, int]]:
    """Yield the name and number of classes of each head that predicts classes."""
    for name, module in model.named_modules():
        # one of HEADS, or an entry of a list of heads
        is_head = name.rstrip('.0123456789').split('.')[-1] in HEADS
        kind = type(module).__name__
        # these predict only objectness, or boundaries
        is_binary = 'RPN' in kind or kind == 'STDCHead'
        given = getattr(module, 'num_classes', None)
        if is_head and not is_binary and isinstance(given, int):
            yield name, given


def channels(cfg: Config, model: BaseModel) -> Iterator[str]:
    """Find a neck or head whose input channels are not the backbone's."""
    given = _channels_given(cfg, model)
    if given is None:
        return  # the training step will tell whether they fit
    for name, reader in _readers(cfg.model):
        if not _fits(reader, given):
            index = reader.get('in_index')
            at = '' if index is None else f' at {index}'
            yield (
                f'model.{name}.in_channels is {reader["in_channels"]}{at}, but the '
                f'backbone gives {given}'
            )


def _channels_given(cfg: Config, model: BaseModel) -> list[int] | None:
    """Return channels of the backbone's maps; None if there is no backbone or map."""
    if not hasattr(model, 'backbone'):
        return None
    size = SIZES.get(cfg.get('default_scope'), (224, 224))
    images = torch.zeros(1, image_channels(cfg, model), *size)
    model.backbone.eval()  # some backbones of mmdet return None from eval()
    try:
        with torch.no_grad():
            maps = model.backbone(images)
    except Exception:  # the backbone does not accept these images
        return None
    if not isinstance(maps, (tuple, list)) or not all(map(torch.is_tensor, maps)):
        return None
    return [m.shape[1] for m in maps]


def _readers(model: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts that read the backbone's maps and declare their channels."""
    neck = model.get('neck') or {}
    if not isinstance(neck, Mapping):
        return
    # a neck without this argument, such as average pooling, keeps the channels
    for name in ('neck',) if 'in_channels' in neck else HEADS:
        reader = model.get(name)
        if isinstance(reader, Mapping) and 'in_channels' in reader:
            yield name, reader


def _fits(reader: Mapping[str, Any], given: Sequence[int]) -> bool:
    wanted, index = reader['in_channels'], reader.get('in_index')
    if isinstance(wanted, int):
        at = -1 if index is None else index
        return -len(given) <= at < len(given) and given[at] == wanted
    if index is None:
        return sorted(given) == sorted(wanted)  # some necks list them in reverse
    return max(index) < len(given) and [given[i] for i in index] == [*wanted]


def no_gradient(
    cfg: Config, model: BaseModel, unreached: Sequence[str]
) -> Iterator[str]:
    """Report parameters that the backward pass did not reach."""
    if not unreached:
        return
    count = sum(model.get_parameter(name).numel() for name in unreached)
    shown = ', '.join(unreached[:3]) + (', ...' if len(unreached) > 3 else '')
    message = f'{len(unreached)} parameters ({count / 1e6:.2f} M) get none: {shown}'
    neck = cfg.model.get('neck')
    start = neck.get('start_level') if isinstance(neck, Mapping) else None
    if start:
        message += (
            f'. neck.start_level is {start}: let the backbone return only what the '
            'neck reads (out_indices), and start at 0'
        )
    yield message
