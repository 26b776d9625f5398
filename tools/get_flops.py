"""Print the parameters and multiply-accumulates of a config's model."""

import sys
from pathlib import Path
from textwrap import shorten

import torch
from rich.console import Console
from rich.table import Table

from sepvit_mm.measure.macs import (
    KINDS,
    PRODUCTS,
    count_parameters,
    macs_by_module,
    uncounted,
)
from sepvit_mm.engine import InputError, build_model, load_config
from sepvit_mm.cli.options import config_parser, input_errors_end_in_a_message
from sepvit_mm.zoo import models

# What papers measure at: mmdet's, mmseg's and mmpretrain's models.
SHAPES = {'mmdet': (800, 1280), 'mmseg': (512, 2048), 'mmpretrain': (224, 224)}


def main() -> None:
    """Count as the command line says."""
    parser = config_parser(__doc__, launcher=False)
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        help='of the image; default: that of the paper, else 800 1280 (detection), '
        '512 2048 (segmentation), 224 224 (classification)',
    )
    parser.add_argument(
        '--by-module',
        type=int,
        nargs='?',
        const=3,
        default=1,
        metavar='DEPTH',
        help='split modules this deep (default: %(const)s; without it: 1)',
    )
    args = parser.parse_args()
    if args.shape and min(args.shape) < 32:
        parser.error(f'--shape is {args.shape}, but needs 32 pixels or more each way')
    with input_errors_end_in_a_message():
        cfg = load_config(args.config, overrides=args.cfg_options)
    known = models().get(Path(args.config).stem)
    default = known.counted.shape if known else SHAPES.get(cfg.get('default_scope'))
    shape = tuple(args.shape or default or (224, 224))
    images = torch.zeros(1, 3, *shape, device='meta')
    with input_errors_end_in_a_message():
        try:
            # not every library's model can be built where there is no memory
            model = build_model(cfg).to('meta').eval()
            macs = macs_by_module(model, images)
        except Exception as error:  # of any library, about anything in the config
            reason = shorten(f'{type(error).__name__}: {error}', 400)
            raise InputError(f'cannot count {args.config}: {reason}') from error

    kinds = [kind for kind in KINDS if macs[''][kind]]
    height, width = shape
    table = Table(
        title=f'{args.config}, {height} x {width}: millions of parameters, '
        '10^9 multiply-accumulates'
    )
    table.add_column('module', no_wrap=True)
    for column in ('parameters', *kinds, 'products'):
        table.add_column(column, justify='right')
    modules = dict(model.named_modules())
    for name in modules:  # in the order of the model
        if name not in macs or (name and name.count('.') >= args.by_module):
            continue
        figures = [count_parameters(modules[name]) / 1e6]
        figures += [macs[name][kind] / 1e9 for kind in kinds]
        figures += [sum(macs[name][kind] for kind in PRODUCTS) / 1e9]
        table.add_row(name or 'whole', *(f'{figure:.2f}' for figure in figures))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    print(f'products: {", ".join(PRODUCTS)}')
    if left_out := uncounted(model, macs):
        print(f'not counted: {", ".join(left_out)}')


if __name__ == '__main__':
    main()
