"""Build what a run has besides model and data, as mmengine's Runner does."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmengine.utils import ManagerMixin
from torch import nn
from torch.utils.data import DataLoader

from .explain import explained
from .parts import nodes

# Arguments of metrics that name files or folders to write.
OUTPUTS = ('outfile_prefix', 'output_dir', 'out_file_path', 'out_dir', 'collect_dir')
# What the Runner does with these is done elsewhere, or would change this process.
LEFT_OUT = ('env_cfg', 'launcher', 'load_from', 'resume', 'data_preprocessor')
LOOPS = ('train_loop', 'val_loop', 'test_loop')


@contextmanager
def built_runner(
    cfg: Config, loaders: Mapping[str, DataLoader], *, on_data: bool = False
) -> Iterator[Runner]:
    """Build a Runner with its loops, evaluators, hooks, visualizer and log processor.

    It has no model, writes only to a temporary folder, and leaves none of mmengine's
    global instances behind.

    Args:
        cfg: a loaded config; left unchanged.
        loaders: its dataloaders by key.
        on_data: whether the files that metrics read must exist. Defaults to False.

    Raises:
        InputError: something cannot be built.
    """
    known = signature(Runner).parameters
    settings = {key: deepcopy(cfg[key]) for key in cfg if key in known}
    settings = {key: settings[key] for key in settings if key not in LEFT_OUT}
    randomness = settings.get('randomness') or {}
    settings['randomness'] = {**randomness, 'seed': 0, 'deterministic': False}
    settings |= loaders
    settings |= {'model': nn.Identity(), 'log_level': 'ERROR', 'cfg': None}
    with TemporaryDirectory() as folder, own_instances():
        for key in ('val_evaluator', 'test_evaluator'):
            _write_to(folder, settings.get(key))
        with explained(cfg):
            runner = Runner(**settings | {'work_dir': folder})
        for loop in LOOPS:
            settings_key = loop.replace('_loop', '_cfg')
            if settings.get(settings_key) is None:
                continue
            with explained(cfg, settings_key):
                try:
                    getattr(runner, loop)  # builds it
                except FileNotFoundError:  # of a metric, which has its arguments then
                    if on_data:
                        raise
        yield runner


def _write_to(folder: str, evaluator: Any) -> None:
    """Make the metrics of an evaluator write into another folder, in place."""
    for _, node in nodes(evaluator, ''):
        for key in OUTPUTS:
            if isinstance(node, dict) and isinstance(node.get(key), str):
                node[key] = str(Path(folder) / Path(node[key]).name)


@contextmanager
def own_instances() -> Iterator[None]:
    """Give mmengine no global instances to begin with, and restore them afterwards.

    A visualizer, for example, would be found again by its name in the next training of
    this process, and would write to a folder that is gone. A logger of an earlier
    training would go on logging here.
    """
    before = {kind: kind._instance_dict.copy() for kind in _managers(ManagerMixin)}
    for kind in before:
        kind._instance_dict.clear()
    try:
        yield
    finally:
        for kind in _managers(ManagerMixin):
            if issubclass(kind, MMLogger):
                for logger in kind._instance_dict.values():
                    _close(logger)
            kind._instance_dict.clear()
            kind._instance_dict.update(before.get(kind, {}))


def _managers(kind: Any) -> Iterator[Any]:
    yield kind
    for each in kind.__subclasses__():
        yield from _managers(each)


def _close(logger: logging.Logger) -> None:
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
