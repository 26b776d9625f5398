"""Train a detector, segmentor or classifier.

On several GPUs: torchrun --nproc_per_node=8 tools/train.py CONFIG --launcher pytorch
"""

from sepvit_mm.engine import load_config, train
from sepvit_mm.engine.cli import config_parser, input_errors_end_in_a_message


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
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision (needs a GPU)'
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
        train(
            cfg,
            resume=args.resume,
            amp=args.amp,
            auto_scale_lr=args.auto_scale_lr,
            seed=args.seed,
        )


if __name__ == '__main__':
    main()
