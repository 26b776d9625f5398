"""What the command-line tools share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.config import DictAction

from ..errors import InputError


class _CfgOptions(DictAction):
    """mmengine's ``KEY=VALUE`` pairs, malformed ones reported as argparse does."""

    def __call__(self, parser, namespace, values, option_string=None):
        for pair in values:
            key, equals, _ = pair.partition('=')
            if not equals or not all(key.split('.')):
                raise argparse.ArgumentError(
                    self, f'expected KEY=VALUE with a dotted KEY, got {pair!r}'
                )
        super().__call__(parser, namespace, values, option_string)


def config_parser(
    description: str | None,
    *,
    command: str | None = None,
    launcher: bool = True,
    several: bool = False,
) -> argparse.ArgumentParser:
    """A parser with what every command on a config takes.

    Args:
        description: What the command does.
        command: Its name, where the program has several. Defaults to None.
        launcher: Whether several processes may run it. Defaults to True.
        several: Whether it takes several configs. Defaults to False.
    """
    parser = argparse.ArgumentParser(description=description)
    if command is not None:
        parser.add_argument('command', choices=[command])
    if several:
        parser.add_argument('configs', nargs='+', help='config files')
    else:
        parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_CfgOptions,
        metavar='KEY=VALUE',
        help='override values of the config, e.g. optim_wrapper.optimizer.lr=1e-4; '
        'data_root=DIR moves every path under it',
    )
    if launcher:
        parser.add_argument(
            '--launcher',
            choices=['none', 'pytorch', 'slurm', 'mpi'],
            default='none',
            help='what started the processes of a distributed run (default: none)',
        )
    return parser


@contextmanager
def input_errors_end_in_a_message() -> Iterator[None]:
    """Exit with the message of an :class:`InputError` instead of its traceback."""
    try:
        yield
    except InputError as error:
        sys.exit(f'error: {error}')
