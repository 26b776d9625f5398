"""Efficient vision transformer backbones for OpenMMLab's dense prediction.

Importing this package registers the backbones in mmengine's root registry, so that
``type='SepViT'`` works in mmdet, mmseg and mmpretrain alike::

    custom_imports = dict(imports=['sepvit_mm'])

It makes mmengine know the package too, so that ``mmengine.hub.get_config`` finds its
configs: ``get_config('sepvit_mm::configs/retinanet_sepvit_t_coco.py')``.
"""

from mmengine.config.utils import MODULE2PACKAGE

from . import checkpoints  # noqa: F401  what `Pretrained` does to the backbones
from .backbones import HiLo, LITv2, PaleAttention, PaleTransformer, SepViT
from .plugins.bfloat16 import Bfloat16Hook
from .plugins.compilation import CompileBackboneHook
from .plugins.layer_decay import LayerDecayOptimWrapperConstructor
from .plugins.pictures import PictureHook
from .version import __version__

__all__ = [
    'Bfloat16Hook',
    'CompileBackboneHook',
    'HiLo',
    'LITv2',
    'LayerDecayOptimWrapperConstructor',
    'PaleAttention',
    'PaleTransformer',
    'PictureHook',
    'SepViT',
    '__version__',
]

MODULE2PACKAGE.setdefault(__name__, __name__)
