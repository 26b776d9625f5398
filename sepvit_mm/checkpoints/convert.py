"""Convert whole checkpoint files from the authors' names to ours and back, exactly.

The authors' ImageNet files hold a backbone and its classifier, without a prefix; their
detectors and segmentors are state dicts of mmdet and mmseg, in which the backbone's
names begin with ``backbone.``. In our files they always do, and a classifier is
mmpretrain's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..backbones import LITv2, SepViT
from ..backbones.names import FINAL_NORM, OWN_PARTS, Pairs, translate
from .files import BACKBONE, CheckpointError, unwrap

HEAD = ('head.', 'head.fc.')  # the authors' linear classifier, and mmpretrain's

# Each family's table of names, and a part of a name that only this backbone has.
FAMILIES: dict[str, tuple[Pairs, str]] = {
    'SepViT': (SepViT.authors_keys, '.attn.qkv.'),
    'LITv2': (LITv2.authors_keys, '.mlp.conv.'),
}


class Conversion(NamedTuple):
    """A converted file.

    Attributes:
        content: what to save: ``state_dict`` or another wrapper, and ``meta``.
        family: 'SepViT' or 'LITv2'.
        to_ours: whether the new names are ours.
        names: new names by old name.
    """

    content: dict[str, Any]
    family: str
    to_ours: bool
    names: dict[str, str]


class _Layout(NamedTuple):
    """How an authors' file is laid out.

    Attributes:
        is_whole: whether it holds a whole detector or segmentor, instead of a backbone
            with or without a classifier.
        wrapper: the key that the parameters are under, if any.
    """

    is_whole: bool
    wrapper: str | None


def convert(content: Any, origin: str) -> Conversion:
    """Convert a file from the authors' names to ours, or from ours to the authors'.

    Converting twice restores the names (without ``module.``), their order and the
    tensors; what a trainer stored beside the weights is dropped. The layout of the
    authors' file is noted under ``meta`` in ours.

    Args:
        content: what :func:`sepvit_mm.checkpoints.read_file` returned.
        origin: the file's name in error messages.

    Returns:
        The converted file.

    Raises:
        CheckpointError: the names are neither ours nor the authors', one of them is
            unknown, or two of them would become the same.
    """
    state, wrapper = unwrap(content, origin)
    # A backbone of ours that was saved on its own has no prefix yet.
    state = {
        BACKBONE + name if name.startswith(OWN_PARTS) else name: value
        for name, value in state.items()
    }
    inner = [n.removeprefix(BACKBONE) for n in state if n.startswith(BACKBONE)]
    to_ours = not any(name.startswith(OWN_PARTS) for name in inner)
    layout = _Layout(bool(inner), wrapper) if to_ours else _noted(content, state)

    for family, (pairs, mark) in FAMILIES.items():
        table = _table(pairs, state, layout)
        names = dict(_translated(state, table, layout, back=not to_ours))
        ours = names.values() if to_ours else names.keys()
        if any(name.startswith(BACKBONE) and mark in name for name in ours):
            _require_exact(names, state, origin)
            saved: dict[str, Any] = {names[name]: state[name] for name in state}
            if to_ours:
                meta = {'family': family, **layout._asdict()}
                saved = {'state_dict': saved, 'meta': meta}
            elif layout.wrapper:
                saved = {layout.wrapper: saved}
            return Conversion(saved, family, to_ours, names)

    if not to_ours:
        raise CheckpointError(
            f'the names in {origin} are ours, but not of SepViT or LITv2: there are no '
            "authors' names for them"
        )
    beginnings = ', '.join(sorted({name.split('.')[0] for name in inner or state}))
    raise CheckpointError(
        f'the names in {origin} are neither ours nor those of the authors of SepViT or '
        f'LITv2: they begin with {beginnings}'
    )


def _noted(content: Any, state: Iterable[str]) -> _Layout:
    """Read the authors' layout from a file of ours, or guess it if it is not noted."""
    meta = content.get('meta', {}) if isinstance(content, Mapping) else {}
    is_more = not all(name.startswith((BACKBONE, HEAD[1])) for name in state)
    is_whole = meta.get('is_whole', is_more)
    return _Layout(is_whole, meta.get('wrapper', 'state_dict' if is_whole else 'model'))


def _table(pairs: Pairs, state: Iterable[str], layout: _Layout) -> Pairs:
    """Extend a backbone's table of names to the names in a whole file."""
    # The authors call the last norm `norm` if a classifier follows it or if it is the
    # only one. Their own files hold none of our names, so the pair applies to them.
    last, norms = BACKBONE + FINAL_NORM[1], f'{BACKBONE}norms.'
    has_head = any(name.startswith(HEAD[1]) for name in state)
    has_more = any(n.startswith(norms) and not n.startswith(last) for n in state)
    if has_head or not has_more:
        pairs = (FINAL_NORM, *pairs)
    prefix, others = (BACKBONE, []) if layout.is_whole else ('', [HEAD])
    return [*((prefix + a, BACKBONE + b) for a, b in pairs), *others]


def _translated(
    state: Iterable[str], table: Pairs, layout: _Layout, *, back: bool
) -> Iterator[tuple[str, str]]:
    """Pair the known names with their translations."""
    for name in state:
        if layout.is_whole and not name.startswith(BACKBONE):
            yield name, name  # necks and heads have kept their names since mmdet 2
        elif other := translate(name, table, back=back):
            yield name, other


def _require_exact(names: Mapping[str, str], state: Iterable[str], origin: str) -> None:
    unknown = [name for name in state if name not in names]
    if unknown:
        shown = ', '.join(unknown[:6])
        raise CheckpointError(f'{len(unknown)} unknown names in {origin}: {shown}')
    twice = [name for name, times in Counter(names.values()).items() if times > 1]
    if twice:
        shown = ', '.join(twice[:6])
        raise CheckpointError(f'several names in {origin} would become {shown}')
