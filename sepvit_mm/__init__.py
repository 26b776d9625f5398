"""Efficient vision transformer backbones for mmdet, mmseg and mmpretrain.

Importing this package registers the backbones in mmengine's root registry, so that
``type='SepViT'`` works in mmdet, mmseg and mmpretrain alike::

    custom_imports = dict(imports=['sepvit_mm'])

It also tells mmengine about the package, so that ``mmengine.hub.get_config`` finds its
configs: ``get_config('sepvit_mm::configs/retinanet_sepvit_t_coco.py')``.
"""

from importlib import import_module
from typing import Any

from mmengine.config.utils import MODULE2PACKAGE

from . import checkpoints  # noqa: F401  registers the initialiser `Pretrained`
from .backbones import HiLo, LITv2, PaleAttention, PaleTransformer, SepViT
from .plugins.bfloat16 import Bfloat16Hook, Bfloat16OptimWrapper
from .plugins.compilation import CompileBackboneHook
from .plugins.identity_blocks import IdentityBlocks
from .plugins.layer_decay import LayerDecayOptimWrapperConstructor
from .plugins.pictures import PictureHook
from .plugins.summary import SummaryHook
from .version import __version__

__all__ = [
    'Bfloat16Hook',
    'Bfloat16OptimWrapper',
    'CompileBackboneHook',
    'HiLo',
    'IdentityBlocks',
    'LITv2',
    'LayerDecayOptimWrapperConstructor',
    'PaleAttention',
    'PaleTransformer',
    'PictureHook',
    'SepViT',
    'SummaryHook',
    '__version__',
    'predict',
]

MODULE2PACKAGE.setdefault(__name__, __name__)


def __getattr__(name: str) -> Any:
    """Import ``predict`` when it is first used, with all that it stands on."""
    if name == 'predict':
        return import_module('.prediction', __name__).predict
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
