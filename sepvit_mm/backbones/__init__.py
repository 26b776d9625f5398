"""Backbones, registered in mmengine's root ``MODELS``."""

from .base import FourStageBackbone
from .sepvit import SepViT

__all__ = ['FourStageBackbone', 'SepViT']
