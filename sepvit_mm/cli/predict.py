"""Predict images, folders and videos: pictures, COCO results, tables, masks."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from rich.progress import track

from ..engine import load_config
from ..prediction import Outcome, predict
from ..prediction.outputs import Kind
from ..terminal import console
from .options import (
    add_checkpoint,
    add_config,
    add_device,
    add_precision,
    at_least,
    folder_to_write,
)
from .quiet import quiet

NAMED = 20  # failures


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the model, the images and what to write."""
    add_config(parser)
    add_checkpoint(parser)
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='INPUT',
        help='images, folders, quoted patterns, text files of paths, videos, COCO '
        'jsons',
    )
    parser.add_argument(
        '--out',
        type=folder_to_write,
        metavar='FOLDER',
        required=True,
        help='new or empty folder to write to',
    )
    parser.add_argument(
        '--save',
        nargs='+',
        choices=get_args(Kind),
        default=list(get_args(Kind)),
        help='what to write (default: all that the task has)',
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        metavar='SCORE',
        help='least score of an object in pictures, csv and masks; the json has all '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--batch-size',
        type=at_least(1),
        default=1,
        metavar='N',
        help='images or tiles that go through the model together (default: '
        '%(default)s)',
    )
    add_device(parser)
    add_precision(parser)
    parser.add_argument(
        '--tta', action='store_true', help="use the config's test-time augmentation"
    )
    parser.add_argument(
        '--tile',
        type=at_least(32),
        metavar='SIZE',
        help='predict tiles of this side in pixels, and join them',
    )
    parser.add_argument(
        '--overlap',
        type=float,
        default=0.2,
        metavar='SHARE',
        help='share of a tile that the next one repeats (default: %(default)s)',
    )
    parser.add_argument(
        '--every',
        type=at_least(1),
        default=1,
        metavar='N',
        help='of a video, each N-th frame (default: %(default)s)',
    )
    parser.add_argument(
        '--image-root',
        metavar='DIR',
        help="folder of a COCO json's images (default: near the json)",
    )


def run(args: Namespace) -> int:
    """Predict as the arguments say."""
    cfg = load_config(args.config, overrides=args.cfg_options)

    def progress(batches: Sequence[Any]) -> Iterable[Any]:
        return track(batches, 'predicting', console=shown)

    shown = console(sys.stderr)  # stdout is silenced while the libraries run
    with quiet():
        outcome = predict(
            cfg,
            args.checkpoint,
            args.inputs,
            out=args.out,
            save=args.save,
            score_thr=args.score_thr,
            batch_size=args.batch_size,
            device=args.device,
            precision=args.precision,
            tta=args.tta,
            tile=args.tile,
            overlap=args.overlap,
            every=args.every,
            image_root=args.image_root,
            track=progress,
        )
    _report(outcome, args.out)
    return 1 if outcome.failures or outcome.interrupted else 0


def _report(outcome: Outcome, out: Any) -> None:
    rate = outcome.done / max(outcome.seconds, 1e-9)
    print(
        f'{outcome.done} of {outcome.images} images predicted in '
        f'{outcome.seconds:.1f} s, {rate:.2f} images/s; written to {out}'
    )
    if outcome.interrupted:
        print('interrupted: what is written stays, the other images are missing')
    if not outcome.failures:
        return
    print(f'{len(outcome.failures)} images failed, all listed in {out}/failures.csv:')
    for failure in outcome.failures[:NAMED]:
        print(f'  {failure.image}: {failure.reason}')
    if len(outcome.failures) > NAMED:
        print(f'  and {len(outcome.failures) - NAMED} more')
