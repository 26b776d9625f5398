"""The command line program ``sepvit-mm``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from inspect import cleandoc
from typing import Protocol

from ..errors import InputError
from ..version import __version__
from . import (
    benchmark,
    check,
    convert,
    export,
    flops,
    new,
    predict,
    prepare,
    report,
    test,
    train,
    zoo,
)


class Command(Protocol):
    """What a module must have to be a command."""

    __doc__: str | None

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, args: Namespace) -> int:
        """Do the work, and return the exit code."""


COMMANDS: dict[str, Command] = {
    'new': new,
    'train': train,
    'test': test,
    'predict': predict,
    'report': report,
    'export': export,
    'check': check,
    'flops': flops,
    'benchmark': benchmark,
    'convert': convert,
    'prepare': prepare,
    'zoo': zoo,
}
"""The commands by name, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: the command's name and its arguments. Defaults to those of the
            process.

    Returns:
        The exit code: 0 done, 1 findings, 2 a mistake of the user's, reported in a line
        on stderr.

    Raises:
        SystemExit: the arguments cannot be parsed, or ask for help or the version.
    """
    args = _parser().parse_args(arguments)
    try:
        return COMMANDS[args.command].run(args)
    except InputError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog='sepvit-mm',
        description='SepViT, LITv2 and Pale Transformer for mmdet, mmseg, mmpretrain.',
        epilog='sepvit-mm COMMAND --help lists its arguments. Exit codes: 0 done, '
        '1 findings, 2 a mistake in the input.',
    )
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(
        title='commands', dest='command', metavar='COMMAND', required=True
    )
    for name, command in COMMANDS.items():
        description = cleandoc(command.__doc__ or '')
        command.add_arguments(
            commands.add_parser(
                name,
                help=description.partition('\n')[0].rstrip('.'),
                description=description,
                formatter_class=RawDescriptionHelpFormatter,
            )
        )
    return parser
