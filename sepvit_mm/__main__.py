"""The command ``sepvit-mm``."""

from __future__ import annotations

import logging
import sys
import warnings
from textwrap import shorten

import rich
from rich.markup import escape
from rich.table import Table

from .check import Report, check
from .engine import InputError, load_config
from .cli.options import config_parser


def main() -> None:
    """Check configs as the command line says."""
    parser = config_parser(
        'Find what commonly goes wrong in a config, before it trains. Exit code 0: '
        'nothing found; 1: findings; 2: a config cannot be used.',
        command='check',
        launcher=False,
        several=True,
    )
    parser.add_argument(
        '--gpus',
        type=int,
        help='how many will train; default: what makes the base batch size',
    )
    parser.add_argument(
        '--on-data',
        action='store_true',
        help='train the one step on the training data instead of noise',
    )
    args = parser.parse_args()
    if args.gpus is not None and args.gpus < 1:
        parser.error(f'--gpus is {args.gpus}, but must be 1 or more')
    # the libraries' own words, about what is checked here or is no mistake
    logging.disable(logging.WARNING)
    warnings.simplefilter('ignore')

    table = Table()
    table.add_column('config', overflow='fold')
    table.add_column('loss', justify='right')
    table.add_column('findings', overflow='fold')
    code = 0
    for path in args.configs:
        try:
            cfg = load_config(path, overrides=args.cfg_options)
            report = check(cfg, gpus=args.gpus, on_data=args.on_data)
        except InputError as error:
            report = Report(unusable=str(error))
        rows = [f'[bold]{f.check}[/]: {escape(f.message)}' for f in report.findings]
        if report.unusable:
            reason = escape(shorten(report.unusable, 500))
            rows.append(f'[bold red]unusable[/]: {reason}')
        code = max(code, 2 if report.unusable else 1 if rows else 0)
        loss = '' if report.loss is None else f'{report.loss:.3f}'
        table.add_row(escape(path), loss, '\n'.join(rows) or 'none')
    rich.print(table)
    sys.exit(code)


if __name__ == '__main__':
    main()
