"""Prepare the small datasets that come with the package.

Each is read from a Python wheel or source archive, which pip downloads.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..datasets import DATASETS, count, prepare
from ..errors import InputError
from .options import folder_to_write


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which datasets to prepare, and where."""
    parser.add_argument(
        'name',
        choices=[*DATASETS, 'all'],
        metavar='NAME',
        help=f'dataset: {", ".join(DATASETS)}, or all',
    )
    parser.add_argument(
        '--data-root',
        type=folder_to_write,
        default='data',
        metavar='DIR',
        help='folder of the datasets (default: %(default)s)',
    )
    parser.add_argument(
        '--wheel',
        metavar='FILE',
        help='use this wheel or source archive instead of downloading it',
    )


def run(args: Namespace) -> int:
    """Prepare the datasets, and print their sizes."""
    if args.wheel and args.name == 'all':
        raise InputError('--wheel is for one dataset, not for all')
    for name in DATASETS if args.name == 'all' else [args.name]:
        folder = prepare(name, args.data_root, args.wheel)
        sizes = ', '.join(
            f'{split} {images} images'
            + (f' with {objects} objects' if objects is not None else '')
            for split, (images, objects) in count(folder).items()
        )
        print(f'{folder}: {sizes}')
    return 0
