"""Convert a checkpoint from the authors' names to ours, or from ours to theirs.

The direction follows from the names in SRC. Files of SepViT's and LITv2's authors are
known: ImageNet classifiers, dense backbones, and whole detectors and segmentors.
"""

import argparse
import hashlib
import os
from collections import Counter
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from sepvit_mm.checkpoints import read_file
from sepvit_mm.checkpoints.convert import convert
from sepvit_mm.cli.options import input_errors_end_in_a_message
from sepvit_mm.errors import InputError


def main() -> None:
    """Convert as the command line says, and print what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='the file to convert, or its http(s) address')
    parser.add_argument('dst', type=Path, help='the file to write; must not exist')
    args = parser.parse_args()
    with input_errors_end_in_a_message():
        if args.dst.suffix == '.safetensors':
            raise InputError(f'{args.dst}: only files of torch.save are written')
        if args.dst.exists():
            raise InputError(f'{args.dst} exists already; remove it or name another')
        done = convert(read_file(args.src), args.src)

    args.dst.parent.mkdir(parents=True, exist_ok=True)
    partial = args.dst.with_name(f'{args.dst.name}.partial')
    torch.save(done.content, partial)
    os.replace(partial, args.dst)

    table = Table('part', 'renamed', 'kept')
    renamed, kept = Counter(), Counter()
    for old, new in done.names.items():
        (kept if old == new else renamed)[new.split('.')[0]] += 1
    for part in sorted({*renamed, *kept}):
        table.add_row(part, str(renamed[part]), str(kept[part]))
    Console().print(table)
    whose = 'our' if done.to_ours else "the authors'"
    print(f'{done.family}: {len(done.names)} tensors, now under {whose} names')
    print(f'sha256 {hashlib.sha256(args.dst.read_bytes()).hexdigest()}  {args.dst}')


if __name__ == '__main__':
    main()
