"""The methods that a project may use for a task, and the configs they begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..samples.sample import Task
from ..zoo import configs_folder
from .anchors import Anchors
from .backbones import LAST_STRIDE, NARROW, Backbone


@dataclass(frozen=True)
class AnchorHead:
    """Where a model has anchors to fit to the boxes.

    Attributes:
        key: of the head, as a dotted key.
        octave: number of sizes from one map to the next; with several, the config
            names the smallest of them, else it lists the only one.
    """

    key: str
    octave: int

    def settings(self, anchors: Anchors) -> dict[str, Any]:
        """Return what a config says of the anchors."""
        scale: dict[str, Any] = (
            dict(octave_base_scale=anchors.scale)
            if self.octave > 1
            else dict(scales=[anchors.scale])
        )
        return dict(**scale, ratios=list(anchors.ratios))


@dataclass(frozen=True)
class Method:
    """A way to solve a task.

    Attributes:
        name: e.g. 'mask-rcnn'.
        task: the task that it solves.
        base: name of its base config, without the width.
        classes: where the model has the number of classes, as dotted keys.
        metric: what a checkpoint is the best by, in words.
        anchors: where its anchors are. Defaults to None: it has none to fit.
    """

    name: str
    task: Task
    base: str
    classes: tuple[str, ...]
    metric: str
    anchors: AnchorHead | None = None

    def base_config(self, backbone: Backbone) -> Path:
        """Return the installed base config for a backbone."""
        narrow = backbone.width == 'narrow' and self.name != 'linear'
        name = f'{self.base}_lite.py' if narrow else f'{self.base}.py'
        return (configs_folder() / '_base_/own' / name).absolute()

    def maps(self, backbone: Backbone) -> int:
        """Return how many of the backbone's maps the model reads."""
        if self.name == 'linear':
            return 1
        coarse = self.name == 'atss' or (
            self.name == 'retinanet' and backbone.width == 'full'
        )
        return 3 if coarse else 4

    def strides(self, backbone: Backbone) -> tuple[int, ...]:
        """Return the strides of the maps that have anchors."""
        first = LAST_STRIDE // 2 ** (self.maps(backbone) - 1)
        return tuple(
            first * 2**i for i in range(4 if backbone.width == 'narrow' else 5)
        )

    def channels(self, backbone: Backbone) -> Mapping[str, Any]:
        """Return what the model says of the backbone's channels, by dotted key."""
        channels = list(backbone.channels)
        if self.name == 'linear':
            return {'head.in_channels': channels[-1]}
        if backbone.channels == NARROW:
            return {}  # the base config says it
        if self.name == 'upernet':
            return {
                'decode_head.in_channels': channels,
                'auxiliary_head.in_channels': channels[2],
            }
        return {'neck.in_channels': channels[-self.maps(backbone) :]}


_BBOX = ('bbox_head',)
_ROI = ('roi_head.bbox_head', 'roi_head.mask_head')
METHODS = {
    method.name: method
    for method in (
        Method('atss', 'detection', 'atss', _BBOX, 'AP'),
        Method(
            'retinanet',
            'detection',
            'retinanet',
            _BBOX,
            'AP',
            AnchorHead('bbox_head', octave=3),
        ),
        Method(
            'mask-rcnn',
            'instance',
            'mask_rcnn',
            _ROI,
            'mask AP',
            AnchorHead('rpn_head', octave=1),
        ),
        Method(
            'upernet', 'semantic', 'upernet', ('decode_head', 'auxiliary_head'), 'mIoU'
        ),
        Method('semantic-fpn', 'semantic', 'semantic_fpn', ('decode_head',), 'mIoU'),
        Method('linear', 'classification', 'linear', ('head',), 'accuracy'),
    )
}
"""The methods by name; the first of a task is its default."""


def method_for(task: Task, name: str | None = None) -> Method:
    """Return a task's method.

    Args:
        task: the task.
        name: name of the method. Defaults to None: the task's first.

    Raises:
        InputError: there is no such method, or it is for another task.
    """
    allowed = [method.name for method in METHODS.values() if method.task == task]
    if name is not None and name not in allowed:
        other = METHODS.get(name)
        of = f' is for {other.task}' if other else ' is not known'
        raise InputError(
            f'method {name}{of}; for {task}, it must be {" or ".join(allowed)}'
        )
    return METHODS[name or allowed[0]]
