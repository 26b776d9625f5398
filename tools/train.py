"""Train a detector, segmentor or classifier.

On several GPUs: torchrun --nproc_per_node=8 tools/train.py CONFIG --launcher pytorch
"""

from sepvit_mm.engine import load_config, train, vary
from sepvit_mm.cli.options import config_parser, input_errors_end_in_a_message


def main() -> None:
    """Train as the command line says."""
    parser = config_parser(__doc__)
    parser.add_argument(
        '--work-dir', help='folder for logs and checkpoints (default: work_dirs/CONFIG)'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='FILE',
        help='go on from this checkpoint, or from the last one in the work dir',
    )
    for option, precision in (('--amp', 'float16'), ('--bf16', 'bfloat16')):
        parser.add_argument(
            option,
            dest='amp',
            action='store_const',
            const=precision,
            help=f'mixed precision in {precision} (needs a GPU)',
        )
    parser.add_argument(
        '--ema',
        nargs='?',
        const=2e-4,
        type=float,
        metavar='SHARE',
        help='evaluate and save a moving average of the weights, of which each step '
        'replaces this share (default: %(const)s)',
    )
    parser.add_argument(
        '--checkpointing',
        action='store_true',
        help="compute the backbone's activations twice instead of keeping them",
    )
    parser.add_argument(
        '--layer-decay',
        type=float,
        metavar='RATE',
        help="learning rate of a backbone's layer relative to the one above, e.g. 0.8",
    )
    parser.add_argument(
        '--compile',
        nargs='?',
        const='inductor',
        metavar='BACKEND',
        help='compile the backbone (default: %(const)s)',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size',
    )
    parser.add_argument('--seed', type=int, help='seed of all random generators')
    args = parser.parse_args()
    with input_errors_end_in_a_message():
        cfg = load_config(
            args.config,
            overrides=args.cfg_options,
            work_dir=args.work_dir,
            launcher=args.launcher,
        )
        cfg = vary(
            cfg,
            amp=args.amp,
            ema=args.ema,
            checkpointing=args.checkpointing,
            layer_decay=args.layer_decay,
            compiler=args.compile,
        )
        train(
            cfg,
            resume=args.resume,
            auto_scale_lr=args.auto_scale_lr,
            seed=args.seed,
        )


if __name__ == '__main__':
    main()
