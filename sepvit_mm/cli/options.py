"""Arguments that several commands take."""

from __future__ import annotations

import os
import stat
from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from ..engine.config import Launcher
from ..engine.precision import Precision
from ..engine.typed import Typed
from ..errors import InputError

LEAST_PIXELS = 32  # the stride of the last stage


class _CfgOptions(Action):
    """``KEY=VALUE`` pairs, as mmengine's tools take them.

    They are :class:`Typed`, to be read where the config is known.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        options = dict(getattr(namespace, self.dest) or {})
        for pair in values:
            key, equals, text = pair.partition('=')
            if not equals or not all(key.split('.')):
                raise ArgumentError(
                    self, f'expected KEY=VALUE with a dotted KEY, got {pair!r}'
                )
            options[key] = Typed(text)
        setattr(namespace, self.dest, options)


class _Shape(Action):
    """Height and width of an image, large enough for the last stage."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if min(values) < LEAST_PIXELS:
            parser.error(
                f'{option_string} is {values}, but needs {LEAST_PIXELS} pixels or more '
                'each way'
            )
        setattr(namespace, self.dest, tuple(values))


def add_config(parser: ArgumentParser, *, several: bool = False) -> None:
    """Add a config file and overrides of its values to a command's arguments.

    Args:
        parser: the command's parser.
        several: whether the command takes several files. Defaults to False.
    """
    if several:
        parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config files')
    else:
        parser.add_argument('config', metavar='CONFIG', help='config file')
    add_cfg_options(parser)


def add_cfg_options(parser: ArgumentParser) -> None:
    """Add overrides of a config's values to a command's arguments."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_CfgOptions,
        metavar='KEY=VALUE',
        help='override values of the config, e.g. optim_wrapper.optimizer.lr=1e-4; '
        'data_root=DIR moves all paths under it',
    )


def add_device(parser: ArgumentParser) -> None:
    """Add the device that a model runs on to a command's arguments."""
    parser.add_argument(
        '--device', help='such as cuda:1 (default: a GPU if there is one, else cpu)'
    )


def add_checkpoint(parser: ArgumentParser, *, more: str = '') -> None:
    """Declare the checkpoint of a trained model.

    Args:
        parser: of the command.
        more: what else it may be. Defaults to nothing.
    """
    parser.add_argument(
        'checkpoint',
        metavar='CHECKPOINT',
        help='checkpoint file or its http(s) address, or a folder, for the best '
        f'checkpoint in it, or the last if training kept no best{more}',
    )


def add_precision(parser: ArgumentParser) -> None:
    """Declare ``--precision``."""
    parser.add_argument(
        '--precision',
        choices=get_args(Precision),
        default='fp32',
        help='numbers to predict in; fp16 needs a GPU (default: %(default)s)',
    )


def add_launcher(parser: ArgumentParser) -> None:
    """Add the launcher of a distributed run to a command's arguments."""
    parser.add_argument(
        '--launcher',
        choices=get_args(Launcher),
        default='none',
        help='what started the processes of a distributed run (default: %(default)s)',
    )


def add_shape(
    parser: ArgumentParser, *, default: Sequence[int] | None, default_help: str
) -> None:
    """Add the size of images to a command's arguments.

    Args:
        parser: the command's parser.
        default: height and width in pixels; None if the command decides.
        default_help: the default in words.
    """
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        action=_Shape,
        default=default,
        metavar=('H', 'W'),
        help=f'height and width of the image in pixels (default: {default_help})',
    )


def at_least(least: int) -> Callable[[str], int]:
    """Return the argparse type for integers of at least ``least``."""

    def integer(text: str) -> int:
        number = int(text)
        if number < least:
            raise ArgumentTypeError(f'it is {number}, but must be {least} or more')
        return number

    return integer


def file_to_write(text: str) -> Path:
    """Parse an argument that names a file to write."""
    with _refused_by_argparse():
        return require_file(text)


def folder_to_write(text: str) -> Path:
    """Parse an argument that names a folder to write to."""
    with _refused_by_argparse():
        return require_folder(text)


@contextmanager
def _refused_by_argparse() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise ArgumentTypeError(str(error)) from error


def require_file(path: str | Path) -> Path:
    """Check that a file can be written, and return its path.

    Raises:
        InputError: it is a folder, or its folder cannot be written to.
    """
    path = Path(path)
    if _kind(path) == 'folder':
        raise InputError(f'{path} is a folder, but must be a file')
    require_folder(path.parent)
    return path


def require_folder(path: str | Path) -> Path:
    """Check that a folder can be written to or created, and return its path.

    Raises:
        InputError: it or a folder above it is a file, or may not be written to.
    """
    path = Path(path)
    if _kind(path) == 'file':
        raise InputError(f'{path} is a file, but must be a folder')
    nearest = next((p for p in (path, *path.parents) if _kind(p)), Path())
    if _kind(nearest) == 'file':
        raise InputError(f'{path} cannot be a folder: {nearest} is a file')
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f'{path} cannot be written: no permission to write {nearest}')
    return path


def _kind(path: Path) -> Literal['file', 'folder'] | None:
    """Tell whether a path is a file or a folder; None if it does not exist."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # a name that is too long, a folder that may not be read
        raise InputError(f'{path} cannot be written: {error.strerror}') from error
    return 'folder' if stat.S_ISDIR(mode) else 'file'
