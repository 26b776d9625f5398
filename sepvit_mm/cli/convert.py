"""Convert a checkpoint from the authors' names to ours, or from ours to theirs.

The names in SRC decide the direction. It knows the files of SepViT's and LITv2's
authors: ImageNet classifiers, dense backbones, and whole detectors and segmentors.
"""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping

import torch
from rich.table import Table

from ..atomic import written_whole
from ..checkpoints import read_file
from ..checkpoints.convert import convert
from ..errors import InputError
from ..terminal import console
from .options import file_to_write


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the two files."""
    parser.add_argument(
        'src', metavar='SRC', help='file to convert, or its http(s) address'
    )
    parser.add_argument(
        'dst',
        type=file_to_write,
        metavar='DST',
        help='file to write; must not exist',
    )


def run(args: Namespace) -> int:
    """Convert a file, and print what was renamed and the digest of the new file."""
    if args.dst.suffix == '.safetensors':
        raise InputError(f'{args.dst}: only files of torch.save can be written')
    if args.dst.exists():
        raise InputError(f'{args.dst} exists already; remove it or name another')
    done = convert(read_file(args.src), args.src)
    with written_whole(args.dst) as partial:
        torch.save(done.content, partial)
    console().print(_table(done.names))
    whose = 'our' if done.to_ours else "the authors'"
    print(f'{done.family}: {len(done.names)} tensors, now under {whose} names')
    print(f'sha256 {hashlib.sha256(args.dst.read_bytes()).hexdigest()}  {args.dst}')
    return 0


def _table(names: Mapping[str, str]) -> Table:
    """Count the renamed tensors in each part of the model."""
    renamed: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for old, new in names.items():
        (kept if old == new else renamed)[new.split('.')[0]] += 1
    table = Table('part', 'renamed', 'kept')
    for part in sorted({*renamed, *kept}):
        table.add_row(part, str(renamed[part]), str(kept[part]))
    return table
