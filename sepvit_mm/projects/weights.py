"""Find the weights that a backbone starts from."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from ..checkpoints import fill
from ..errors import InputError
from ..samples.sample import Task
from ..zoo import configs_folder
from .backbones import REDUCED, Backbone, backbone_named
from .machine import Device

PRETRAINED, SCRATCH = 'litv2-s', 'sepvit-lite'
TOO_SLOW = (
    f'without a GPU, {PRETRAINED} with its ImageNet weights takes seconds a step; '
    f'if you have the time, give --backbone {PRETRAINED}'
)
SECONDS = 3.0  # to wait for an answer


class Start(NamedTuple):
    """A backbone and what it starts from.

    Attributes:
        backbone: the backbone.
        checkpoint: file or address of its weights; None: random weights.
        reason: why, in words.
    """

    backbone: Backbone
    checkpoint: str | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.checkpoint else f'random weights: {self.reason}'


def choose_start(
    task: Task,
    device: Device,
    name: str | None = None,
    weights: str | Path | None = None,
) -> Start:
    """Choose a backbone and its weights.

    Without a name it is LITv2-S if its weights are given, or if there is a GPU and its
    authors' ImageNet weights can be fetched; else SepViT-Lite from random weights. The
    network is asked only for a backbone that is named, or if there is a GPU.

    Args:
        task: what the backbone is for.
        device: what trains.
        name: name of the backbone, e.g. 'litv2-s'. Defaults to None: as above.
        weights: file of its weights. Defaults to None: its authors', if they published
            any and they can be fetched.

    Raises:
        InputError: there is no such backbone, or the file does not fit it.
    """
    if device == 'cpu' and name is None and weights is None:
        return Start(backbone_named(SCRATCH), None, TOO_SLOW)
    backbone = backbone_named(name or PRETRAINED)
    if weights is not None:
        path = Path(weights).absolute()
        if not path.is_file():
            raise InputError(f'weights not found: {weights}')
        if backbone.kind == 'ResNet':
            raise InputError(
                f'weights is {weights}, but {backbone.name} is for comparison, and '
                'starts from random weights'
            )
        _require_fit(backbone, task, path)
        return Start(backbone, str(path), 'the weights that were given')
    address = _published(backbone)
    if address is None:
        return Start(backbone, None, 'no weights are published or were given')
    if is_cached(address) or is_reachable(address):
        return Start(backbone, address, "its authors' ImageNet weights")
    failed = (
        f'{Path(address).name} cannot be fetched from {urlsplit(address).hostname} '
        'now: if you have the file, give it with --weights'
    )
    return Start(backbone if name else backbone_named(SCRATCH), None, failed)


def is_cached(address: str) -> bool:
    """Tell whether PyTorch has fetched a file before."""
    return (Path(torch.hub.get_dir()) / 'checkpoints' / Path(address).name).is_file()


def is_reachable(address: str) -> bool:
    """Tell whether a file can be fetched, without fetching it."""
    request = urllib.request.Request(address, method='HEAD')
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return True
    except (OSError, ValueError):  # no network, no such file, or no such address
        return False


def _published(backbone: Backbone) -> str | None:
    """Return the address of the authors' weights, None if there are none."""
    known = Config.fromfile(configs_folder() / '_base_/weights.py')
    address = known.get(backbone.name.replace('-', '_'))
    return None if address is None else str(address)


def _require_fit(backbone: Backbone, task: Task, path: Path) -> None:
    """Check that a file fills a backbone.

    Raises:
        CheckpointError: it does not.
    """
    settings = backbone.settings(task, maps=4)
    if backbone.arch in REDUCED:
        archs = Config.fromfile(configs_folder() / '_base_/models/lite_archs.py')
        settings['arch'] = archs[backbone.arch].to_dict()
    fill(MODELS.build(settings), path)
