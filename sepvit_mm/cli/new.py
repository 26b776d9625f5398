"""Make a project from a folder of annotated images: annotations and one config.

It recognises COCO, Pascal VOC, YOLO, LabelMe, pairs of image and mask, and folders of
classes; inspects and splits them; and chooses a recipe for them and this machine.
"""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import get_args

from rich.table import Table

from ..errors import InputError
from ..projects import Project, new
from ..projects.backbones import BACKBONES
from ..projects.methods import METHODS
from ..projects.splits import SHARE
from ..samples.sample import Task
from ..terminal import console
from .options import at_least, folder_to_write
from .quiet import quiet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the data, the task, where to write, and what may be chosen."""
    parser.add_argument(
        'data', type=Path, metavar='DATA', help='folder or file of the annotated images'
    )
    parser.add_argument(
        '--task',
        required=True,
        choices=get_args(Task),
        help='what is to be learned',
    )
    parser.add_argument(
        '--out',
        required=True,
        type=folder_to_write,
        metavar='FOLDER',
        help='folder to write; must be empty or not exist',
    )
    parser.add_argument(
        '--backbone',
        metavar='NAME',
        help=f'{", ".join(BACKBONES)} (default: litv2-s with --weights, or with a '
        "GPU if its authors' weights can be fetched, else sepvit-lite)",
    )
    parser.add_argument(
        '--method',
        metavar='NAME',
        help=f'{", ".join(METHODS)} (default: the first for the task)',
    )
    parser.add_argument(
        '--val',
        type=_share_or_folder,
        metavar='SHARE|FOLDER',
        help='share of the images to validate on, unless the data have a validation '
        f'set, or a folder of others (default: {SHARE})',
    )
    parser.add_argument(
        '--minutes',
        type=float,
        metavar='N',
        help='length of the training, by timing a few steps (default: by the number of '
        'objects or images)',
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help="weights of the backbone (default: its authors', if they can be fetched)",
    )
    parser.add_argument(
        '--seed',
        type=at_least(0),
        default=0,
        metavar='N',
        help='seed of the split (default: %(default)s)',
    )


def run(args: Namespace) -> int:
    """Make the project, and print what it found, chose and wrote."""
    if sys.stderr.isatty():  # the tables come at the end, a minute later on much data
        timing = '' if args.minutes is None else ', and timing a few steps'
        print(f'reading {args.data}{timing} ...', file=sys.stderr)
    with quiet():
        project = new(
            args.data,
            args.task,
            args.out,
            backbone=args.backbone,
            method=args.method,
            val=args.val,
            minutes=args.minutes,
            weights=args.weights,
            seed=args.seed,
        )
    _print(project)
    if project.report.unusable:
        raise InputError(f'cannot use {project.config}: {project.report.unusable}')
    return int(bool(project.report.findings))


def _share_or_folder(text: str) -> float | Path:
    """Parse a share, or the folder that is there."""
    try:
        return float(text)
    except ValueError:
        if Path(text).exists():
            return Path(text)
    raise ArgumentTypeError(f'{text!r} is neither a share nor a folder')


def _print(project: Project) -> None:
    out = console()
    out.print(f'{project.samples.format}\n')
    out.print(project.inspection.table)
    splits = project.splits.by_name.items()
    sizes = ', '.join(f'{len(indices)} {name}' for name, indices in splits)
    tested = '' if 'test' in project.splits.by_name else ' (val is also the test set)'
    out.print(f'\nimages: {sizes}{tested}')
    for note in project.splits.notes:
        out.print(f'note: {note}')
    out.print()
    out.print(_choices(project))
    _print_check(project)
    out.print('\nWritten:')
    for name, what in _files(project):
        out.print(f'  {project.folder / name}  {what}', soft_wrap=True)
    out.print('\nGo on with:')
    for command in commands(project):
        out.print(f'  {command}', soft_wrap=True)


def _print_check(project: Project) -> None:
    report = project.report
    if report.loss is not None and not report.findings:
        console().print(f'check: nothing found; a step has a loss of {report.loss:.3f}')
    for finding in report.findings:
        console().print(f'check: {finding.check}: {finding.message}')


def _choices(project: Project) -> Table:
    table = Table()
    for name in ('chosen', 'value', 'why'):
        table.add_column(name, overflow='fold')
    for row in project.choices.rows:
        table.add_row(*row)
    return table


def _files(project: Project) -> list[tuple[str, str]]:
    """List what a reader of the output will want to open."""
    return [
        ('config.py', 'the recipe, to read and change'),
        ('samples.png', 'sixteen annotated images: look at them first'),
        ('inspection.png', 'sizes of images and objects'),
        ('inspection.json', 'the table above'),
        ('annotations', 'what is trained on and evaluated'),
    ]


def commands(project: Project) -> list[str]:
    """Return the commands to go on with, as they are typed.

    Args:
        project: the project.
    """
    config, run, images = (
        shlex.quote(str(path))
        for path in (project.config, project.folder / 'run', project.images)
    )
    pictures = shlex.quote(str(project.folder / 'predictions'))
    return [
        f'sepvit-mm train {config}',
        f'sepvit-mm test {config} {run}',
        f'sepvit-mm predict {config} {run} {images} --out {pictures}',
        f'sepvit-mm report {run}',
    ]
