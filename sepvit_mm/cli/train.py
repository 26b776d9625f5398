"""Train a detector, segmentor or classifier.

On several GPUs:

    torchrun --nproc_per_node=8 -m sepvit_mm train CONFIG --launcher pytorch
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .. import engine
from ..engine.trackers import TRACKERS
from .options import (
    add_config,
    add_launcher,
    at_least,
    folder_to_write,
    require_folder,
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the config, where to write, and how to vary the training."""
    add_config(parser)
    add_launcher(parser)
    parser.add_argument(
        '--work-dir',
        type=folder_to_write,
        metavar='DIR',
        help="folder for logs and checkpoints (default: the config's work_dir, else "
        'work_dirs/CONFIG)',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='resume from this checkpoint (default FILE: the last one in the work dir)',
    )
    for option, precision, where in (
        ('--amp', 'float16', 'a GPU'),
        ('--bf16', 'bfloat16', 'a GPU, or a CPU with AVX512-BF16 or AMX'),
    ):
        parser.add_argument(
            option,
            dest='amp',
            action='store_const',
            const=precision,
            help=f'mixed precision in {precision} (needs {where})',
        )
    parser.add_argument(
        '--ema',
        nargs='?',
        const=2e-4,
        type=float,
        metavar='SHARE',
        help='evaluate and save a moving average of the weights, of which each step '
        'replaces this share (default SHARE: %(const)s)',
    )
    parser.add_argument(
        '--checkpointing',
        action='store_true',
        help="recompute the backbone's activations instead of storing them",
    )
    parser.add_argument(
        '--layer-decay',
        type=float,
        metavar='RATE',
        help='learning rate of each backbone layer relative to the one above, e.g. 0.8',
    )
    parser.add_argument(
        '--compile',
        nargs='?',
        const='inductor',
        metavar='BACKEND',
        help='compile the backbone with this backend (default BACKEND: %(const)s)',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size',
    )
    parser.add_argument(
        '--seed',
        type=at_least(0),
        metavar='N',
        help="seed of all random generators (default: the config's, else random)",
    )
    parser.add_argument(
        '--log',
        nargs='+',
        choices=TRACKERS,
        default=[],
        metavar='TRACKER',
        help='also log losses and metrics to these experiment trackers: '
        f'{", ".join(TRACKERS)} (default: only to files in the work dir)',
    )


def run(args: Namespace) -> int:
    """Train as the arguments say."""
    cfg = engine.load_config(
        args.config,
        overrides=args.cfg_options,
        work_dir=args.work_dir,
        launcher=args.launcher,
    )
    require_folder(cfg.work_dir)
    cfg = engine.vary(
        engine.log_to(cfg, args.log),
        amp=args.amp,
        ema=args.ema,
        checkpointing=args.checkpointing,
        layer_decay=args.layer_decay,
        compiler=args.compile,
    )
    engine.train(
        cfg, resume=args.resume, auto_scale_lr=args.auto_scale_lr, seed=args.seed
    )
    return 0
