"""Whole checkpoint files: from the authors' names to ours and back, exactly.

The authors' ImageNet files hold a bare backbone with its classifier; their detectors
and segmentors are state dicts of mmdet and mmseg. Ours are always of the latter kind:
``backbone.`` stands before the backbone's names, and a classifier is mmpretrain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from ..backbones import LITv2, SepViT
from ..backbones.names import FINAL_NORM, Pairs, translate
from .files import CheckpointError, unwrap

BACKBONE = 'backbone.'
HEADS = ('head.', 'head.fc.')  # the authors' and mmpretrain's linear classifier


class Conversion(NamedTuple):
    """A converted file.

    Attributes:
        content: what to save: ``state_dict`` or another wrapper, and ``meta``.
        family: 'SepViT' or 'LITv2'.
        to_ours: whether the new names are ours.
        names: old name to new name.
    """

    content: dict[str, Any]
    family: str
    to_ours: bool
    names: dict[str, str]


def convert(content: Any, origin: str) -> Conversion:
    """Convert a file from the authors' names to ours, or from ours to the authors'.

    Converting twice gives back names (without ``module.``), their order and tensors;
    what a trainer had stored beside the weights is left out. Our file notes in ``meta``
    how the authors' was wrapped.

    Args:
        content: what :func:`sepvit_mm.checkpoints.read_file` returned.
        origin: what an error calls it.

    Returns:
        The converted file.

    Raises:
        CheckpointError: the names are of neither kind, or one of them is unknown.
    """
    state, wrapper = unwrap(content, origin)
    is_whole = any(name.startswith(BACKBONE) for name in state)
    bare = [
        n.removeprefix(BACKBONE) for n in state if is_whole == n.startswith(BACKBONE)
    ]
    if any(name.startswith('stages.') for name in bare):
        return _to_authors(state, content, origin)
    for family, first in (('SepViT', 'patch_embeds.'), ('LITv2', 'patch_embed.')):
        if any(name.startswith(first) for name in bare):
            return _to_ours(state, wrapper, family, is_whole, origin)
    beginnings = ', '.join(sorted({name.split('.')[0] for name in bare}))
    raise CheckpointError(
        f'the names in {origin} are neither ours nor those of the authors of SepViT or '
        f'LITv2: they begin with {beginnings}'
    )


def _to_ours(
    state: Mapping[str, Tensor],
    wrapper: str | None,
    family: str,
    is_whole: bool,
    origin: str,
) -> Conversion:
    pairs = _pairs(family, final_norm=f'{BACKBONE * is_whole}norm.weight' in state)
    names = {}
    for name in state:
        if is_whole and not name.startswith(BACKBONE):
            names[name] = name  # necks and heads kept their names since mmdet 2
        elif name.startswith(HEADS[0]):
            names[name] = HEADS[1] + name.removeprefix(HEADS[0])
        else:
            inner = translate(name.removeprefix(BACKBONE), pairs)
            names[name] = inner and BACKBONE + inner
    content = {
        'state_dict': _renamed(state, names, origin),
        'meta': {'family': family, 'wrapper': wrapper, 'is_whole': is_whole},
    }
    return Conversion(content, family, True, names)


def _to_authors(state: Mapping[str, Tensor], content: Any, origin: str) -> Conversion:
    if not any(name.startswith(BACKBONE) for name in state):  # a backbone alone
        state = {
            BACKBONE + name if name.startswith(('stages.', 'norms.')) else name: value
            for name, value in state.items()
        }
    marks = {'SepViT': '.attn.qkv.', 'LITv2': '.mlp.conv.'}
    families = [f for f, mark in marks.items() if any(mark in n for n in state)]
    if len(families) != 1:
        raise CheckpointError(
            f'the names in {origin} are ours, but not of SepViT or LITv2: no authors '
            'have names for them'
        )
    family = families[0]
    meta = content.get('meta', {}) if isinstance(content, Mapping) else {}
    has_head = any(name.startswith(HEADS[1]) for name in state)
    is_whole = meta.get(
        'is_whole', any(not n.startswith((BACKBONE, HEADS[1])) for n in state)
    )
    wrapper = meta.get('wrapper', 'state_dict' if is_whole else 'model')
    others = [f'{BACKBONE}norms.{i}.weight' for i in range(3)]
    pairs = _pairs(
        family, final_norm=has_head or not any(name in state for name in others)
    )
    names = {}
    for name in state:
        if name.startswith(HEADS[1]) and not is_whole:
            names[name] = HEADS[0] + name.removeprefix(HEADS[1])
        elif not name.startswith(BACKBONE):
            names[name] = name
        else:
            inner = translate(name.removeprefix(BACKBONE), pairs, back=True)
            names[name] = inner and (BACKBONE if is_whole else '') + inner
    state = _renamed(state, names, origin)
    return Conversion({wrapper: state} if wrapper else state, family, False, names)


def _pairs(family: str, *, final_norm: bool) -> Pairs:
    pairs = {'SepViT': SepViT, 'LITv2': LITv2}[family].authors_keys
    return (FINAL_NORM, *pairs) if final_norm else pairs


def _renamed(
    state: Mapping[str, Tensor], names: Mapping[str, str | None], origin: str
) -> dict[str, Tensor]:
    unknown = [old for old, new in names.items() if new is None]
    if unknown:
        shown = ', '.join(unknown[:6])
        raise CheckpointError(f'{len(unknown)} unknown names in {origin}: {shown}')
    return {names[name]: value for name, value in state.items()}
