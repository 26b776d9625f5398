"""Find common mistakes in configs before training.

Exit codes: 0 nothing found, 1 findings, 2 a config cannot be used.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from textwrap import shorten

from rich.table import Table
from rich.text import Text

from ..check import Report, check
from ..engine import load_config
from ..errors import InputError
from ..terminal import console
from .options import add_config, at_least
from .quiet import quiet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the configs and how to check them."""
    add_config(parser, several=True)
    parser.add_argument(
        '--gpus',
        type=at_least(1),
        metavar='N',
        help='number of GPUs that will train (default: enough for the base batch size)',
    )
    parser.add_argument(
        '--on-data',
        action='store_true',
        help='look at the data of all dataloaders: train and evaluate on a little of '
        'it instead of noise',
    )


def run(args: Namespace) -> int:
    """Check the configs, print a table, and return the worst outcome."""
    with quiet():  # their warnings repeat the findings, or are no mistake
        reports = {path: _report(path, args) for path in args.configs}
    console().print(_table(reports))
    if unusable := [path for path, report in reports.items() if report.unusable]:
        raise InputError(f'cannot use {", ".join(unusable)}')
    return int(any(report.findings for report in reports.values()))


def _report(path: str, args: Namespace) -> Report:
    try:
        cfg = load_config(path, overrides=args.cfg_options)
        return check(cfg, gpus=args.gpus, on_data=args.on_data)
    except InputError as error:
        return Report(unusable=str(error))


def _table(reports: dict[str, Report]) -> Table:
    table = Table()
    table.add_column('config', overflow='fold')
    table.add_column('loss', justify='right')
    table.add_column('findings', overflow='fold')
    for path, report in reports.items():
        lines = [
            Text.assemble((finding.check, 'bold'), f': {finding.message}')
            for finding in report.findings
        ]
        if report.unusable:
            reason = shorten(report.unusable, 500)
            lines.append(Text.assemble(('unusable', 'bold red'), f': {reason}'))
        loss = '' if report.loss is None else f'{report.loss:.3f}'
        table.add_row(path, loss, Text('\n').join(lines) if lines else 'none')
    return table
