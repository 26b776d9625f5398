"""Efficient vision transformer backbones for OpenMMLab's dense prediction.

Importing this package registers the backbones in mmengine's root registry, so that
``type='SepViT'`` works in mmdet, mmseg and mmpretrain alike::

    custom_imports = dict(imports=['sepvit_mm'])
"""

from .backbones import HiLo, LITv2, PaleAttention, PaleTransformer, SepViT
from .version import __version__

__all__ = [
    'HiLo',
    'LITv2',
    'PaleAttention',
    'PaleTransformer',
    'SepViT',
    '__version__',
]
