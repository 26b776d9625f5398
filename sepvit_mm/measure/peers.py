"""Backbones of timm to compare with."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import InputError

PEERS = {
    'swin-t': 'swin_tiny_patch4_window7_224',
    'convnext-t': 'convnext_tiny',
    'twins-svt-s': 'twins_svt_small',
    'pvtv2-b2': 'pvt_v2_b2',
    'resnet-50': 'resnet50',
    'fastvit-sa12': 'fastvit_sa12',
    'efficientvit-b2': 'efficientvit_b2',
}
"""Names of timm's models, by ours."""
BOUND_TO_SIZE = ('swin-t',)


def peer(name: str, shape: tuple[int, int]) -> nn.Module:
    """Make a backbone of timm that returns maps of several scales.

    Args:
        name: a key of ``PEERS``.
        shape: height and width of the images.

    Raises:
        InputError: timm is not installed.
    """
    try:
        import timm  # optional, only needed here
    except ImportError as error:
        raise InputError(
            f'{name} is a model of timm, which is not installed: pip install timm'
        ) from error
    options: dict[str, Any] = {'img_size': shape} if name in BOUND_TO_SIZE else {}
    model: nn.Module = timm.create_model(PEERS[name], features_only=True, **options)
    return model
