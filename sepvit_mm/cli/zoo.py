"""Print the tables of the model zoo, or renew them and the metafiles."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..atomic import written_whole
from ..errors import InputError
from ..zoo.tables import files, renew, tables

CHECKOUT = Path(__file__).parents[2]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whether to write."""
    parser.add_argument(
        '--write',
        action='store_true',
        help='renew the tables in the docs, model-index.yml and configs/metafile_*.yml '
        'of a checkout',
    )


def run(args: Namespace) -> int:
    """Print the tables; or write what has changed, and print the names of the files."""
    if not args.write:
        for name, table in tables().items():
            print(f'{name}\n\n{table}')
        return 0
    if not (CHECKOUT / 'model-index.yml').is_file():
        raise InputError(
            '--write renews the files of a checkout, but this package was installed '
            'without one'
        )
    for path, text in _current().items():
        if path.is_file() and path.read_text() == text:
            continue
        with written_whole(path) as partial:
            partial.write_text(text)
        print(path.relative_to(CHECKOUT))
    return 0


def _current() -> dict[Path, str]:
    """What the files of a checkout should say."""
    current = tables()
    pages = sorted((CHECKOUT / 'docs').rglob('*.md'))
    texts = {page: renew(page.read_text(), current) for page in pages}
    return texts | {CHECKOUT / path: text for path, text in files().items()}
