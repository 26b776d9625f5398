"""Put errors into sentences that begin with the part of the config they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from textwrap import shorten
from types import FrameType
from typing import Any

from mmengine.config import Config

from ..errors import InputError
from .arguments import unexpected, unregistered
from .parts import REGISTRIES, nodes

# What mmengine's Runner builds without a type, by the function that does it.
BUILDERS = {
    'set_randomness': 'randomness',
    'build_log_processor': 'log_processor',
    'build_visualizer': 'visualizer',
    'register_default_hooks': 'default_hooks',
    'register_custom_hooks': 'custom_hooks',
}


def explain(cfg: Config, error: Exception, at: str = '') -> str:
    """Put an error into a sentence that begins with the part of the config it is about.

    Args:
        cfg: the config.
        error: what building or running a part raised.
        at: path of what was being built. The innermost part that was being built when
            the error was raised, if any, is more precise. Defaults to '': unknown.
    """
    if isinstance(error, InputError):
        return str(error)
    reason = shorten(f'{type(error).__name__}: {error}', 400).removesuffix(':')
    settings, place = _being_built(error)
    kind = place.get('obj_cls')
    if settings:
        at = _path_of(cfg, settings, at) or at
    elif not at:
        called = [frame.f_code.co_name for frame in _frames(error)]
        called += re.findall(r'\w+', str(error))  # with arguments that it does not take
        at = next((BUILDERS[name] for name in called if name in BUILDERS), '')
    if isinstance(error, KeyError) and 'obj_cls' in place and kind is None:
        reason = unregistered(settings['type'])
    elif argument := re.search("unexpected keyword argument '(.*)'", reason):
        if kind is not None:
            reason = unexpected(kind, argument[1])
    if ' got an unexpected' in reason or ' missing ' in reason:  # of arguments
        reason = reason.removeprefix('TypeError: ').replace('.__init__()', '')
    return f'{at}: {reason}' if at else reason


@contextmanager
def explained(cfg: Config, at: str = '') -> Iterator[None]:
    """Turn errors, of any kind and from any library, into sentences about a config.

    Args:
        cfg: the config.
        at: see :func:`explain`.

    Raises:
        InputError: instead of the error.
    """
    try:
        yield
    except Exception as error:
        raise InputError(explain(cfg, error, at)) from error


def _frames(error: Exception) -> Iterator[FrameType]:
    """Yield the stack of an error, the innermost frame last."""
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _being_built(error: Exception) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what mmengine was building last, and the names at that place."""
    found: tuple[Mapping[str, Any], Mapping[str, Any]] = {}, {}
    for frame in _frames(error):
        if frame.f_code.co_name == 'build_from_cfg':
            settings = frame.f_locals.get('cfg')
            if isinstance(settings, Mapping) and 'type' in settings:
                found = settings, frame.f_locals
    return found


def _path_of(cfg: Config, settings: Mapping[str, Any], at: str) -> str:
    """Return the path of the part that is most like some settings.

    What a part is built from may differ from what the config has: its owner adds
    arguments, or takes some.
    """

    def likeness(candidate: tuple[str, Mapping[str, Any]]) -> tuple[int, bool]:
        path, node = candidate
        same = [key for key in node if repr(node[key]) == repr(settings.get(key))]
        return len(same), path.startswith(at)

    alike = [
        (path, node)
        for key in REGISTRIES
        for path, node in nodes(cfg.get(key), key)
        if node.get('type') == settings['type']
    ]
    return max(alike, key=likeness)[0] if alike else ''
