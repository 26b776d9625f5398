"""Evaluate a checkpoint: AP, mIoU or accuracy, as a table and as JSON."""

from pathlib import Path

import rich
from mmengine.dist import is_main_process

from sepvit_mm.engine import evaluate, load_config, metrics_table, write_metrics
from sepvit_mm.cli.options import config_parser, input_errors_end_in_a_message


def main() -> None:
    """Evaluate as the command line says."""
    parser = config_parser(__doc__)
    parser.add_argument(
        'checkpoint', help='checkpoint file, or a folder for the last one in it'
    )
    parser.add_argument(
        '--out', help='JSON file for the metrics (default: WORK_DIR/metrics.json)'
    )
    parser.add_argument(
        '--show-dir', help='folder for pictures of predictions beside ground truth'
    )
    parser.add_argument(
        '--tta', action='store_true', help="the config's test time augmentation"
    )
    args = parser.parse_args()
    with input_errors_end_in_a_message():
        cfg = load_config(
            args.config, overrides=args.cfg_options, launcher=args.launcher
        )
        metrics = evaluate(cfg, args.checkpoint, tta=args.tta, show_dir=args.show_dir)
    if is_main_process():
        out = args.out or Path(cfg.work_dir) / 'metrics.json'
        write_metrics(metrics, out)
        if not metrics:
            print('no metrics: there is no prediction above the score threshold')
        rich.print(metrics_table(metrics))
        print(f'metrics written to {out}')
        if args.show_dir:
            print(f'pictures in {args.show_dir}')


if __name__ == '__main__':
    main()
