"""Backbones, registered in mmengine's root ``MODELS``."""

from .base import FourStageBackbone
from .litv2 import HiLo, LITv2
from .pale import PaleAttention, PaleTransformer
from .sepvit import SepViT

__all__ = [
    'FourStageBackbone',
    'HiLo',
    'LITv2',
    'PaleAttention',
    'PaleTransformer',
    'SepViT',
]
