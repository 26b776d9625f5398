"""Resolve and check the architectures and options of the backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

NUM_STAGES = 4

Arch = Mapping[str, Sequence[Any]]


def is_list_of(value: object, kind: type = object) -> bool:
    """Tell whether a value is a list or tuple whose entries are all of one type."""
    return isinstance(value, (list, tuple)) and all(isinstance(n, kind) for n in value)


def require_one_of(name: str, value: object, options: object) -> None:
    """Raise an error if a value is not one of an argument's options.

    Args:
        name: the argument's name.
        value: what was given.
        options: the ``Literal`` type of the argument.

    Raises:
        ValueError: the value is not one of the options; the message lists them.
    """
    allowed = get_args(options)
    if value not in allowed:
        raise ValueError(f'{name} is {value!r}, but must be one of {allowed}')


def resolve_arch(arch: str | Arch, variants: Mapping[str, Arch]) -> Arch:
    """Look up an architecture by name, or check one given as a dict.

    Args:
        arch: a name in ``variants``, or a dict with the same keys as its values.
        variants: architectures by name. Each key of one has an entry per stage;
            ``embed_dims``, ``depths`` and ``num_heads`` are among the keys.

    Returns:
        The architecture's dict.

    Raises:
        ValueError: an unknown name; missing or unknown keys; not four entries; a
            number that is not a positive integer; heads that do not divide channels.
    """
    if isinstance(arch, str):
        if arch not in variants:
            raise ValueError(
                f'arch is {arch!r}, but must be one of {sorted(variants)} or a dict'
            )
        return variants[arch]

    expected = set(next(iter(variants.values())))
    if not isinstance(arch, Mapping):
        raise ValueError(
            f'arch is {arch!r}, but must be one of {sorted(variants)} or a dict of '
            f'{sorted(expected)}'
        )
    if set(arch) != expected:
        raise ValueError(
            f'arch has the keys {sorted(arch)}, but needs exactly {sorted(expected)}'
        )
    for key, value in arch.items():
        if not is_list_of(value) or len(value) != NUM_STAGES:
            raise ValueError(
                f'arch[{key!r}] is {value}, but needs a list with one entry for each '
                f'of {NUM_STAGES} stages'
            )
    for key in ('embed_dims', 'depths', 'num_heads'):
        if not is_list_of(arch[key], int) or min(arch[key]) < 1:
            raise ValueError(f'arch[{key!r}] is {arch[key]}, but needs integers > 0')
    for dim, heads in zip(arch['embed_dims'], arch['num_heads']):
        if dim % heads:
            raise ValueError(
                f'{heads} heads do not divide {dim} channels: every entry of '
                "arch['embed_dims'] must be a multiple of its arch['num_heads']"
            )
    return arch
