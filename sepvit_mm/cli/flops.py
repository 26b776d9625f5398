"""Print the parameters and multiply-accumulates of a config's model."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from rich.table import Table

from ..engine import build_model, load_config
from ..engine.images import image_channels
from ..errors import InputError
from ..measure.macs import (
    KINDS,
    PRODUCTS,
    Macs,
    count_parameters,
    macs_by_module,
    uncounted,
)
from ..terminal import console
from ..zoo import models
from .options import add_config, add_shape, at_least
from .quiet import quiet

# Height and width at which papers count, by library.
SHAPES = {'mmdet': (800, 1280), 'mmseg': (512, 2048), 'mmpretrain': (224, 224)}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the config, the size of the image and the depth of the table."""
    add_config(parser)
    add_shape(
        parser,
        default=None,
        default_help="the paper's, else 800 1280 for detection, 512 2048 for "
        'segmentation, 224 224 for classification',
    )
    parser.add_argument(
        '--by-module',
        type=at_least(1),
        nargs='?',
        const=3,
        default=1,
        metavar='DEPTH',
        help='list modules down to this depth (default DEPTH: %(const)s; without the '
        'option: %(default)s)',
    )


def run(args: Namespace) -> int:
    """Count, and print a table of the modules and what is not counted."""
    cfg = load_config(args.config, overrides=args.cfg_options)
    height, width = args.shape or _usual_shape(args.config, cfg)
    with quiet():
        model, macs = _count(args.config, cfg, height, width)
    table = _table(model, macs, depth=args.by_module)
    table.title = (
        f'{args.config}, {height} x {width}: millions of parameters, '
        '10^9 multiply-accumulates'
    )
    console(width=None if sys.stdout.isatty() else 120).print(table)
    print(f'products: {", ".join(PRODUCTS)}')
    if left_out := uncounted(model, macs):
        print(f'not counted: {", ".join(left_out)}')
    return 0


def _usual_shape(path: str, cfg: Config) -> tuple[int, int]:
    """Return the height and width at which papers count this model."""
    if known := models().get(Path(path).stem):
        return known.counted.shape
    return SHAPES.get(cfg.get('default_scope'), (224, 224))


def _count(
    path: str, cfg: Config, height: int, width: int
) -> tuple[BaseModel, dict[str, Macs]]:
    try:
        # not every library's model can be built on the meta device
        model = build_model(cfg).to('meta').eval()
        channels = image_channels(cfg, model)
        images = torch.zeros(1, channels, height, width, device='meta')
        return model, macs_by_module(model, images)
    except Exception as error:  # of any kind, from any library
        reason = shorten(f'{type(error).__name__}: {error}', 400)
        raise InputError(f'cannot count {path}: {reason}') from error


def _table(model: BaseModel, macs: Mapping[str, Macs], *, depth: int) -> Table:
    """Make a table: a row for the whole and for every module down to a depth."""
    kinds = [kind for kind in KINDS if macs[''][kind]]
    table = Table()
    table.add_column('module', no_wrap=True)
    for column in ('parameters', *kinds, 'products'):
        table.add_column(column, justify='right')
    for name, module in model.named_modules():  # in the order of the model
        if name not in macs or (name and name.count('.') >= depth):
            continue
        figures = [count_parameters(module) / 1e6]
        figures += [macs[name][kind] / 1e9 for kind in kinds]
        figures += [sum(macs[name][kind] for kind in PRODUCTS) / 1e9]
        table.add_row(name or 'whole', *(f'{figure:.2f}' for figure in figures))
    return table
