"""Find types that are not registered, and arguments that they do not take."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config

from ..errors import InputError
from .parts import Part, arguments, name_of, parts, takes_any


def require_known(cfg: Config) -> None:
    """Check types and arguments in dataloaders and evaluators, which only data builds.

    Raises:
        InputError: a type is not registered, or does not take an argument.
    """
    for part in filter(_needs_data, parts(cfg)):
        if part.kind is None:
            raise InputError(f'{part.path}: {unregistered(part.settings["type"])}')
        for name in _unknown(part):
            raise InputError(f'{part.path}: {unexpected(part.kind, name)}')


def misspelt(cfg: Config) -> Iterator[str]:
    """Find arguments that only differ from a known one in a letter or two.

    A class that takes any ``**kwargs`` does not complain about them; all others do.
    """
    for part in parts(cfg):
        if part.kind is None or _needs_data(part) or not takes_any(part.kind):
            continue
        known = arguments(part.kind)
        for name in _unknown(part):
            if get_close_matches(name, known, n=1, cutoff=0.85):
                yield f'{part.path}: {unexpected(part.kind, name)}'


def _needs_data(part: Part) -> bool:
    key, *inner = part.path.split('.')
    is_loaded = key.endswith(('_dataloader', '_evaluator'))
    return is_loaded and 'pipeline' not in inner


def _unknown(part: Part) -> list[str]:
    known = arguments(part.kind) | {'type', '_scope_'}
    return [name for name in part.settings if name not in known]


def unregistered(name: object) -> str:
    """Say that a type is not registered."""
    return (
        f'{name!r} is not registered: check its spelling, or import its module with '
        'custom_imports'
    )


def unexpected(kind: Any, argument: str) -> str:
    """Say that a class does not take an argument, and which one may be meant."""
    close = get_close_matches(argument, arguments(kind), n=1)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    return f'{name_of(kind)} got an unexpected keyword argument {argument!r}{hint}'
