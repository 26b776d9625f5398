"""Evaluate a checkpoint: AP, mIoU or accuracy, as a table and as JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from ..deploy import evaluate_exported, is_exported
from ..engine import evaluate, load_config, metrics_table, write_metrics
from ..engine.predictions import prediction_files, prediction_patterns
from ..errors import InputError
from ..terminal import console
from .options import (
    add_checkpoint,
    add_config,
    add_launcher,
    add_precision,
    file_to_write,
    folder_to_write,
    require_file,
    require_folder,
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the config, the checkpoint and what to write."""
    add_config(parser)
    add_checkpoint(parser, more='; or a folder that export wrote')
    add_launcher(parser)
    parser.add_argument(
        '--out',
        type=file_to_write,
        metavar='FILE',
        help='JSON file for the metrics (default: metrics.json in the work dir)',
    )
    parser.add_argument(
        '--show-dir',
        type=folder_to_write,
        metavar='DIR',
        help='draw predictions beside the ground truth into this folder, one picture '
        'per image',
    )
    parser.add_argument(
        '--tta', action='store_true', help="use the config's test-time augmentation"
    )
    add_precision(parser)


def run(args: Namespace) -> int:
    """Evaluate as the arguments say."""
    cfg = load_config(args.config, overrides=args.cfg_options, launcher=args.launcher)
    require_folder(cfg.work_dir)
    out = args.out or require_file(Path(cfg.work_dir) / 'metrics.json')
    written = prediction_patterns(cfg)
    metrics = _evaluate(args, cfg)
    if not is_main_process():
        return 0
    if metrics:  # shown first: a full disk does not take them
        console().print(metrics_table(metrics))
    elif written:
        print('no metrics: the evaluators of this config only write predictions')
    else:
        print('no metrics: there is no prediction above the score threshold')
    write_metrics(metrics, out)
    if metrics:
        print(f'metrics written to {out}')
    if written:
        print(f'predictions written to {", ".join(prediction_files(written))}')
    return 0


def _evaluate(args: Namespace, cfg: Config) -> dict[str, float]:
    """Evaluate a checkpoint, or a model that was exported to a folder."""
    if not is_exported(args.checkpoint):
        return evaluate(
            cfg,
            args.checkpoint,
            tta=args.tta,
            show_dir=args.show_dir,
            precision=args.precision,
        )
    if args.tta or args.precision != 'fp32':
        raise InputError(
            f'{args.checkpoint} is an exported model: it has the precision that it was '
            'exported in, and no test-time augmentation'
        )
    return evaluate_exported(cfg, args.checkpoint, show_dir=args.show_dir)
