"""Print the tables of the README, or renew them and the metafiles."""

import argparse
from pathlib import Path

from sepvit_mm.zoo.tables import files, renew, tables

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print or write as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--write',
        action='store_true',
        help='renew the tables in README.md, model-index.yml, configs/metafile_*.yml',
    )
    args = parser.parse_args()
    current = tables()
    if not args.write:
        for name, table in current.items():
            print(f'{name}\n\n{table}')
        return
    readme = ROOT / 'README.md'
    texts = {'README.md': renew(readme.read_text(), current), **files()}
    for path, text in texts.items():
        (ROOT / path).write_text(text)
        print(path)


if __name__ == '__main__':
    main()
