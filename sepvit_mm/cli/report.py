"""Report what a training did and where its model fails, as one HTML file.

It evaluates the best checkpoint of the first work dir, or else the last; the curves of
all work dirs are side by side.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from rich.progress import Progress

from ..terminal import console
from .options import at_least, file_to_write
from .quiet import quiet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the work dirs, and what to write."""
    parser.add_argument(
        'work_dirs', nargs='+', metavar='WORK_DIR', help='folder of a training'
    )
    parser.add_argument(
        '--out',
        type=file_to_write,
        metavar='FILE',
        help='HTML file; its pictures go into a folder beside it (default: '
        'report.html in the first work dir)',
    )
    parser.add_argument(
        '--split',
        choices=('val', 'test'),
        default='val',
        help='held-out data to evaluate on (default: %(default)s)',
    )
    parser.add_argument(
        '--images',
        type=at_least(0),
        default=20,
        metavar='N',
        help='number of the worst images to show, and of random ones '
        '(default: %(default)s)',
    )


def run(args: Namespace) -> int:
    """Write the report, and print where it is."""
    from ..report import write_report

    with Progress(console=console(sys.stderr), transient=True) as progress:
        bar = progress.add_task('evaluating', total=None)

        def advance(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        with quiet():
            out = write_report(
                args.work_dirs,
                args.out,
                split=args.split,
                images=args.images,
                advance=advance,
            )
    print(f'report written to {out}')
    return 0
