"""Load a config, and check that its data exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device

from ..backbones.arch import require_one_of
from ..errors import InputError
from .overrides import override

Launcher = Literal['none', 'pytorch', 'slurm', 'mpi']
"""What starts the processes of a distributed run."""

# Datasets of mmpretrain that download their files when they are built.
FETCHED = ('CIFAR10', 'CIFAR100', 'MNIST', 'FashionMNIST')


def load_config(
    path: str | Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    work_dir: str | Path | None = None,
    launcher: Launcher = 'none',
) -> Config:
    """Load a config file and apply overrides.

    Args:
        path: the config file.
        overrides: values by dotted key, e.g. ``{'optim_wrapper.optimizer.lr': 1e-4}``.
            They arrive unchanged; a dict changes the keys that it has, as in configs.
            ``data_root`` is special: it moves every path that lies under the
            config's own ``data_root``, wherever it stands (datasets, evaluators).
            Defaults to None: no overrides.
        work_dir: folder for logs and checkpoints. Defaults to the config's own
            ``work_dir``, else ``work_dirs/<name of the config>``.
        launcher: what started the processes. Defaults to 'none': a single process.

    Returns:
        The config, with ``work_dir`` and ``launcher`` set.

    Raises:
        ValueError: an unknown launcher.
        InputError: the file does not exist or cannot be read; an override has no
            place in it or no effect; or a launcher is given but mmengine finds no
            device except the CPU.
    """
    require_one_of('launcher', launcher, Launcher)
    cfg = _read(path)
    override(cfg, overrides or {})
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    if launcher != 'none' and get_device() == 'cpu':
        raise InputError(f'launcher {launcher} needs GPUs; without one, use none')
    cfg.launcher = launcher
    return cfg


def _read(path: str | Path) -> Config:
    if not Path(path).is_file():
        raise InputError(f'config file not found: {path}')
    try:
        return Config.fromfile(str(path))
    except Exception as error:  # of any kind: a config is Python code
        reason = shorten(f'{type(error).__name__}: {error}', 400)
        raise InputError(f'cannot read config {path}: {reason}') from error


def type_of(node: Any) -> str:
    """Return the name of a node's ``type``, a string or class, without its scope.

    Args:
        node: any part of a config.

    Returns:
        The name; empty if the node is not a dict with a type.
    """
    kind = node.get('type', '') if isinstance(node, Mapping) else ''
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def is_address(path: object) -> bool:
    """Tell whether a path is an address, such as a URL, rather than a local file."""
    return '://' in str(path)


def backward_passes(cfg: Config) -> int:
    """Return how many batches a step accumulates gradients over."""
    return cfg.optim_wrapper.get('accumulative_counts', 1)


def require_data(cfg: Config, *dataloaders: str) -> None:
    """Check that the files and folders of these dataloaders exist.

    Args:
        cfg: a loaded config.
        dataloaders: the keys to check, e.g. ``'train_dataloader'``. Keys that the
            config does not have are skipped.

    Raises:
        InputError: a path is missing; the message says how to get the data.
    """
    for name in dataloaders:
        for dataset in datasets_of(cfg.get(name) or {}):
            for path in _paths(dataset):
                if not path.exists():
                    raise InputError(
                        f'{path}, which {name} of {cfg.filename} reads, does not '
                        'exist. Prepare it (sepvit-mm prepare makes the small '
                        'datasets) or say where it is with --cfg-options '
                        'data_root=DIR.'
                    )


def _paths(dataset: Mapping[str, Any]) -> list[Path]:
    """List the local files and folders that a dataset needs, the root first."""
    root = dataset.get('data_root')
    if not root or is_address(root) or type_of(dataset) in FETCHED:
        return []
    prefix = dataset.get('data_prefix', '')  # mmpretrain allows a string
    prefixes = prefix.values() if isinstance(prefix, dict) else [prefix]
    parts = [dataset.get('ann_file'), *prefixes]
    return [Path(root), *(Path(root) / part for part in parts if part)]


def datasets_of(node: Mapping[str, Any]) -> Iterator[ConfigDict]:
    """Yield all datasets in a dataloader, wrappers and the datasets inside them."""
    for inner in [node.get('dataset'), *(node.get('datasets') or [])]:
        if inner:
            yield inner
            yield from datasets_of(inner)


def evaluators_of(node: Any) -> Iterator[ConfigDict]:
    """Yield the evaluators in a config's entry: one, a list, or a composition."""
    if isinstance(node, Mapping):
        yield node
        yield from evaluators_of(node.get('metrics'))
    elif isinstance(node, (list, tuple)):
        for entry in node:
            yield from evaluators_of(entry)
