"""Override values of a loaded config."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from inspect import signature
from textwrap import shorten
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from ..errors import InputError
from .typed import Typed, read_typed

READ = (
    {*signature(Runner).parameters} - {'cfg'}
    # what the Runner reads from the whole config, too
    | {'activation_checkpointing', 'compile', 'efficient_conv_bn_eval'}
    | {'find_unused_parameters', 'model_wrapper_cfg', 'sync_bn'}
    # what this package reads
    | {'tta_model', 'tta_pipeline'}
)
"""The names at the top of a config that are read once it is loaded.

All others are names that the config file gives to values while it builds these.
"""

FOLDERS = ('data_root', 'work_dir')


def override(cfg: Config, overrides: Mapping[str, Any]) -> None:
    """Override values of a config, in place.

    Args:
        cfg: the config.
        overrides: values by dotted key; those of type :class:`Typed` are read by
            :func:`read_typed` first. ``data_root`` moves all paths under it.

    Raises:
        InputError: a key has no place in the config, or changing it would change
            nothing.
    """
    values = {
        key: _read(key, value, _at(cfg, key.split('.')))
        for key, value in deepcopy(dict(overrides)).items()
    }
    for key in values:
        _require_effect(cfg, key)
    if 'data_root' in values:
        _move_data_root(cfg, values.pop('data_root'))
    for key, value in values.items():
        _set(cfg, key, value)


def _read(key: str, value: Any, held: Any) -> Any:
    if not isinstance(value, Typed):
        return value
    read = read_typed(value, held)
    if key in FOLDERS and not isinstance(read, str | None):
        return str(value)  # a number or a list may be a folder's name
    return read


def _at(node: Any, parts: list[str]) -> Any:
    """Return the value at a dotted key, or None."""
    for part in parts:
        if isinstance(node, Mapping | Config):
            node = node.get(part)
        elif isinstance(node, (list, tuple)) and part.isdigit():
            node = node[int(part)] if int(part) < len(node) else None
        else:
            return None
    return node


def _require_effect(cfg: Config, key: str) -> None:
    """Refuse a key that nothing reads after the config is loaded."""
    name = key.split('.')[0]
    if key == 'data_root' or (name in READ and name != 'launcher'):
        return
    refused = f'cannot set {key} in {cfg.filename}: '
    if name == 'launcher':
        raise InputError(f'{refused}use --launcher')
    if name not in cfg:
        known = ', '.join(sorted({*READ, 'data_root'} - {'launcher'}))
        raise InputError(f'{refused}it must begin with one of {known}')
    refused += f'{name} is only used while the config file is read. '
    if not (keys := _keys_made_from(cfg, key)):
        raise InputError(f'{refused}Set the keys that are made from it instead')
    shown = ', '.join(keys[:8]) + (f' and {len(keys) - 8} more' if keys[8:] else '')
    raise InputError(f'{refused}Set what has the same value instead: {shown}')


def _keys_made_from(cfg: Config, key: str) -> list[str]:
    """Find the keys that have the value of a key, or of the nearest part above it."""
    parts = key.split('.')
    read = {name: cfg[name] for name in cfg if name in READ}
    for end in range(1, len(parts) + 1):
        value = _at(cfg, parts[:end])
        if value is not None and (holders := [*_holders(read, value)]):
            return ['.'.join([holder, *parts[end:]]) for holder in holders]
    return []


def _holders(node: Any, value: Any, path: str = '') -> Iterator[str]:
    """Yield the dotted keys under a node that have a value."""
    entries = node.items() if isinstance(node, Mapping) else enumerate(node)
    for key, entry in entries:
        # True equals 1, but is no such number
        if entry == value and isinstance(entry, bool) == isinstance(value, bool):
            yield f'{path}{key}'
        elif isinstance(entry, (Mapping, list, tuple)):
            yield from _holders(entry, value, f'{path}{key}.')


def _set(cfg: Config, key: str, value: Any) -> None:
    *parents, last = key.split('.')
    parent = _at(cfg, parents)
    try:
        if isinstance(parent, list) and not isinstance(value, Mapping):
            parent[int(last)] = value  # mmengine only sets dicts there
        else:
            cfg.merge_from_dict({key: value})
    except (IndexError, KeyError, TypeError, ValueError) as error:
        reason = shorten(str(error), 200)
        raise InputError(f'cannot set {key} in {cfg.filename}: {reason}') from error


def _move_data_root(cfg: Config, given: Any) -> None:
    old = cfg.get('data_root')
    if not isinstance(old, str):
        raise InputError(f'{cfg.filename} has no data_root to override')
    if not isinstance(given, (str, os.PathLike)) or not str(given):
        raise InputError(f'data_root is {given!r}, but must be a folder')
    old, new = old.rstrip('/'), str(given).rstrip('/')

    def move(node: Config | dict | list) -> None:
        for key, value in enumerate(node) if isinstance(node, list) else node.items():
            if isinstance(value, str) and f'{value}/'.startswith(f'{old}/'):
                node[key] = new + value[len(old) :]
            elif isinstance(value, (dict, list)):
                move(value)

    move(cfg)
