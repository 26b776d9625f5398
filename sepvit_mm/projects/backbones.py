"""The backbones that a project may name, and what its config says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InputError
from ..samples.sample import Task
from .code import Name

Width = Literal['narrow', 'full']
LAST_STRIDE = 32  # of the last map; sizes of images are multiples of it
SIDE = 7  # of SepViT's windows and of pales, in positions
REDUCED = ('litv2_lite', 'pale_lite')


@dataclass(frozen=True)
class Backbone:
    """A backbone by the name that users type.

    Attributes:
        name: e.g. 'litv2-s'.
        kind: its type in the registry; ResNet is that of mmdet, mmseg or mmpretrain.
        arch: name of its architecture; for our reductions, of a dict in
            ``configs/_base_/models/lite_archs.py``; for ResNet, its depth.
        channels: those of its four maps.
        drop_path_rate: rate of its last block. Defaults to 0.
    """

    name: str
    kind: Literal['SepViT', 'LITv2', 'PaleTransformer', 'ResNet']
    arch: str | int
    channels: tuple[int, int, int, int]
    drop_path_rate: float = 0.0

    @property
    def is_reduced(self) -> bool:
        """Whether its architecture is ours, and only known to configs of projects."""
        return self.arch in REDUCED

    @property
    def has_windows(self) -> bool:
        """Whether a map must be a multiple of ``SIDE``, or is padded."""
        return self.kind in ('SepViT', 'PaleTransformer')

    @property
    def filled(self) -> int:
        """Side of the smallest image that its windows fill on every map, in pixels."""
        return LAST_STRIDE * (SIDE if self.has_windows else 1)

    @property
    def gains_from_identity(self) -> bool:
        """Whether random weights should be those of ``IdentityBlocks``.

        Measured for narrow models only, where LITv2 did not gain: its first MLPs have a
        convolution inside.
        """
        return self.has_windows and self.width == 'narrow'

    @property
    def width(self) -> Width:
        """Whether its neck and heads are narrow or full."""
        narrow = self.name.endswith('-lite') or self.kind == 'ResNet'
        return 'narrow' if narrow else 'full'

    def settings(self, task: Task, *, maps: int) -> dict[str, Any]:
        """Return what a config says of it, without its weights, as code.

        Args:
            task: what it is for; LITv2 has a mode for each.
            maps: how many of its last maps the model reads, 1 to 4.
        """
        indices = tuple(range(4 - maps, 4))
        if self.kind == 'ResNet':
            # mmdet would keep the statistics of BatchNorm as they are at the start
            fixed = dict(type='ResNet', depth=self.arch, norm_eval=False)
            return dict(fixed, out_indices=indices)
        arch = Name(f'_base_.{self.arch}') if self.is_reduced else self.arch
        settings: dict[str, Any] = dict(type=self.kind, arch=arch)
        if task == 'classification' and self.kind != 'SepViT':
            # SepViT's dense mode instead, so that a detector can start from all of it
            settings['mode'] = 'classification'
        elif task == 'semantic' and self.kind == 'LITv2':
            settings['mode'] = 'segmentation'
        if maps < 4 and 'mode' not in settings:
            settings['out_indices'] = indices
        if self.drop_path_rate:
            settings['drop_path_rate'] = self.drop_path_rate
        return settings


NARROW = (32, 64, 128, 256)  # what the narrow base configs are written for
_SMALL = (96, 192, 384, 768)
_BASE = (128, 256, 512, 1024)
_KNOWN = (
    Backbone('sepvit-lite', 'SepViT', 'lite', NARROW),
    Backbone('sepvit-t', 'SepViT', 'tiny', _SMALL, 0.2),
    Backbone('sepvit-s', 'SepViT', 'small', _SMALL, 0.3),
    Backbone('sepvit-b', 'SepViT', 'base', _BASE, 0.3),
    Backbone('litv2-lite', 'LITv2', 'litv2_lite', NARROW),
    Backbone('litv2-s', 'LITv2', 'small', _SMALL, 0.2),
    Backbone('litv2-m', 'LITv2', 'medium', _SMALL, 0.2),
    Backbone('litv2-b', 'LITv2', 'base', _BASE, 0.3),
    Backbone('pale-lite', 'PaleTransformer', 'pale_lite', NARROW),
    Backbone('pale-t', 'PaleTransformer', 'tiny', (64, 128, 256, 512), 0.1),
    Backbone('pale-s', 'PaleTransformer', 'small', _SMALL, 0.3),
    Backbone('pale-b', 'PaleTransformer', 'base', _BASE, 0.3),
    # to compare with, in the same recipe
    Backbone('resnet-18', 'ResNet', 18, (64, 128, 256, 512)),
)
BACKBONES = {backbone.name: backbone for backbone in _KNOWN}
"""The backbones by name."""


def backbone_named(name: str) -> Backbone:
    """Return the backbone of this name.

    Raises:
        InputError: there is none.
    """
    if name not in BACKBONES:
        raise InputError(
            f'backbone is {name}, but must be one of {", ".join(BACKBONES)}'
        )
    return BACKBONES[name]
