"""Check the files of weights that a config names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..engine.config import is_address, type_of

PRETRAINED = ('Pretrained', 'PretrainedInit')


def missing_files(cfg: Config) -> Iterator[str]:
    """Find files of weights that do not exist.

    ``load_from`` may name a file that training a config beside this one will make: the
    file's work dir then has that config's name.
    """
    named = dict(_weights(cfg.model))
    start = cfg.get('load_from')
    folder = Path(cfg.filename or '').parent
    if start and not (folder / f'{Path(start).parent.name}.py').is_file():
        named['load_from'] = start
    for path, file in named.items():
        if not is_address(file) and not Path(file or '').is_file():
            yield f'{path} is {file!r}, and there is no such file'


def _weights(node: Any, path: str = 'model') -> Iterator[tuple[str, Any]]:
    """Yield where a model names files of weights, and the files."""
    if isinstance(node, Mapping):
        if type_of(node) in PRETRAINED:
            yield f'{path}.checkpoint', node.get('checkpoint')
        if isinstance(node.get('pretrained'), str):
            yield f'{path}.pretrained', node['pretrained']
        for key, value in node.items():
            yield from _weights(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _weights(value, f'{path}.{index}')


def forget_weights(node: Any) -> None:
    """Remove files of weights from a model's config, so that none is loaded."""
    if isinstance(node, list):
        for value in node:
            forget_weights(value)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == 'pretrained':
            node[key] = None
        elif key == 'init_cfg':
            several = value if isinstance(value, list) else [value]
            node[key] = [
                cfg for cfg in several if cfg and type_of(cfg) not in PRETRAINED
            ] or None
        else:
            forget_weights(value)
