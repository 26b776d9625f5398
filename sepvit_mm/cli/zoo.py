"""Print the tables of the model zoo, or update them and the metafiles."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..atomic import written_whole
from ..errors import InputError
from ..zoo.tables import files, renew, tables
from .quiet import quiet

CHECKOUT = Path(__file__).parents[2]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whether to write files."""
    parser.add_argument(
        '--write',
        action='store_true',
        help='update the tables in the docs, model-index.yml and '
        'configs/metafile_*.yml of a checkout',
    )


def run(args: Namespace) -> int:
    """Print the tables, or write them."""
    if args.write:
        _write()
    else:
        _print()
    return 0


def _print() -> None:
    with quiet():
        current = tables()
    for name, table in current.items():
        print(f'{name}\n\n{table}')


def _write() -> None:
    """Write the files that are out of date, and print their names."""
    if not (CHECKOUT / 'model-index.yml').is_file():
        raise InputError(
            '--write updates the files of a checkout, but this package was installed '
            'without one'
        )
    with quiet():
        current = tables()
        texts = {CHECKOUT / path: text for path, text in files().items()}
    for page in sorted((CHECKOUT / 'docs').rglob('*.md')):
        texts[page] = renew(page.read_text(), current)
    for path, text in texts.items():
        if path.is_file() and path.read_text() == text:
            continue
        with written_whole(path) as partial:
            partial.write_text(text)
        print(path.relative_to(CHECKOUT))
