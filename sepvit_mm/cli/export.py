"""Export a trained model to a folder that predicts without PyTorch."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import get_args

from ..deploy import export
from ..deploy.folder import Format
from ..engine import load_config
from .options import add_checkpoint, add_config, at_least
from .quiet import quiet


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the model, and what to write."""
    add_config(parser)
    add_checkpoint(parser)
    parser.add_argument(
        'out', type=Path, metavar='FOLDER', help='folder to write; it must not exist'
    )
    parser.add_argument(
        '--format',
        choices=get_args(Format),
        default='onnx',
        help='onnx, openvino, or torch for torch.export (default: %(default)s)',
    )
    parser.add_argument(
        '--size',
        nargs=2,
        type=at_least(1),
        metavar=('H', 'W'),
        help='size of all images (default: any size)',
    )
    parser.add_argument(
        '--backbone-only', action='store_true', help="export the backbone's maps alone"
    )


def run(args: Namespace) -> int:
    """Export as the arguments say."""
    cfg = load_config(args.config, overrides=args.cfg_options)
    with quiet():
        folder = export(
            cfg,
            args.checkpoint,
            args.out,
            format=args.format,
            size=tuple(args.size) if args.size else None,
            backbone_only=args.backbone_only,
        )
    print(f'exported to {folder}: see its README.md')
    return 0
