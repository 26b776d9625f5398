"""Show in one page how runs learned, and where they are right and wrong."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..report import write_report
from .options import (
    add_cfg_options,
    add_device,
    at_least,
    file_to_write,
    folder_to_write,
    require_file,
)
from .quiet import quiet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the runs and the page."""
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='folders that train wrote to; several are compared',
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--out',
        type=file_to_write,
        metavar='FILE',
        help='HTML file to write (default: report.html in the first work dir)',
    )
    parser.add_argument(
        '--images',
        type=at_least(0),
        default=20,
        metavar='N',
        help='how many of the worst images to show, and how many others (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--plots',
        type=folder_to_write,
        metavar='FOLDER',
        help='also write the plots as PNG files to this folder',
    )
    add_device(parser)


def run(args: Namespace) -> int:
    """Write the page as the arguments say."""
    if args.out is None:
        require_file(f'{args.work_dirs[0]}/report.html')
    with quiet():
        path = write_report(
            args.work_dirs,
            args.out,
            images=args.images,
            plots=args.plots,
            device=args.device,
            overrides=args.cfg_options,
        )
    print(f'report written to {path}: open it in a browser')
    return 0
