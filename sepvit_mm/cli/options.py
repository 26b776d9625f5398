"""Arguments that several commands take."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from mmengine.config import DictAction

from ..engine.config import Launcher

LEAST_PIXELS = 32  # the stride of the last stage


class _CfgOptions(DictAction):
    """mmengine's ``KEY=VALUE`` pairs; malformed ones are an argparse error."""

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        for pair in values:
            key, equals, _ = pair.partition('=')
            if not equals or not all(key.split('.')):
                raise ArgumentError(
                    self, f'expected KEY=VALUE with a dotted KEY, got {pair!r}'
                )
        super().__call__(parser, namespace, values, option_string)


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
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_CfgOptions,
        metavar='KEY=VALUE',
        help='override values of the config, e.g. optim_wrapper.optimizer.lr=1e-4; '
        'data_root=DIR moves all paths under it',
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
    if Path(text).is_dir():
        raise ArgumentTypeError(f'{text} is a folder, but must be a file')
    return Path(text)


def folder_to_write(text: str) -> Path:
    """Parse an argument that names a folder to write to."""
    if Path(text).is_file():
        raise ArgumentTypeError(f'{text} is a file, but must be a folder')
    return Path(text)
