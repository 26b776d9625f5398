"""Time models beside each other, or measure their memory."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any, get_args

import torch

from ..atomic import written_whole
from ..errors import InputError
from ..measure import evaluators, machine, memory
from ..measure.cases import DTYPES, Case, Precision, Runtime, Setting, Task
from ..measure.macs import count_macs
from ..measure.peers import PEERS
from ..measure.plot import draw_growth
from ..measure.speed import (
    UNSTEADY,
    Row,
    growth,
    spread,
    summarize,
    time_in_turns,
    to_markdown,
)
from .contenders import LITERAL, NAMED, contender
from .options import LEAST_PIXELS, at_least, file_to_write

DEFAULT = ('sepvit-t', LITERAL, 'swin-t', 'convnext-t')
SHAPE = (800, 1344)
REPEATS = 2  # of an unsteady measurement


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to measure, how, and where to write the result."""
    parser.add_argument(
        'models',
        nargs='*',
        metavar='MODEL',
        default=DEFAULT,
        help=f'backbones ({", ".join(NAMED)}; of timm: {", ".join(PEERS)}; {LITERAL}: '
        'the definition of the first one, step by step) or configs, for whole models '
        f'(default: {" ".join(DEFAULT)})',
    )
    parser.add_argument(
        '--reference',
        metavar='MODEL',
        help=f'model that the others are compared with (default: {LITERAL}, else the '
        'first of timm, else the first)',
    )
    parser.add_argument(
        '--task',
        choices=get_args(Task),
        default='inference',
        help='training is a forward and a backward pass (default: %(default)s)',
    )
    for option, choices in (('--precision', Precision), ('--runtime', Runtime)):
        values = get_args(choices)
        parser.add_argument(
            option,
            nargs='+',
            choices=values,
            default=[values[0]],
            help=f'one or more (default: {values[0]})',
        )
    parser.add_argument(
        '--shape',
        nargs='+',
        type=at_least(LEAST_PIXELS),
        metavar='PIXELS',
        default=SHAPE,
        help='height and width; or the sides of several square images, to see how '
        f'time grows: one number or more than two (default: {SHAPE[0]} {SHAPE[1]})',
    )
    parser.add_argument(
        '--batch',
        nargs='+',
        type=at_least(1),
        default=[1],
        metavar='N',
        help='images in a batch, one or more (default: 1)',
    )
    parser.add_argument(
        '--rounds',
        type=at_least(1),
        default=5,
        metavar='N',
        help='number of times each model is timed (default: %(default)s)',
    )
    parser.add_argument(
        '--device',
        default='cpu',
        help='device, e.g. cuda (default: %(default)s)',
    )
    parser.add_argument(
        '--memory',
        action='store_true',
        help='measure peak memory, each model in its own process, instead of time',
    )
    parser.add_argument(
        '--evaluators',
        action='store_true',
        help='compare pycocotools with faster-coco-eval instead, on noise of the size '
        "of COCO's val2017",
    )
    for option, what in (
        ('--json', 'write the rows'),
        ('--markdown', 'write the tables'),
        ('--plot', 'draw how time grows with the image, as SVG or PNG,'),
    ):
        parser.add_argument(
            option, type=file_to_write, metavar='FILE', help=f'{what} to this file'
        )


def run(args: Namespace) -> int:
    """Measure the models, and print and write the tables."""
    if args.evaluators:
        return _compare_evaluators()
    device = _device(args.device)
    shapes = _shapes(args.shape)
    if args.memory and 'compile' in args.runtime:
        raise InputError('--memory measures eager models, not compiled ones')
    if args.plot and len(shapes) < 2:
        raise InputError('--plot needs images of several sizes: --shape 224 512 896')
    groups = [_measure(args, device, *each) for each in product(args.batch, shapes)]
    text = f'{machine.describe(device)}\n\n' + '\n\n'.join(g['table'] for g in groups)
    if len(shapes) > 1 and not args.memory:
        curves = _curves(groups)
        text += '\n\n' + '\n'.join(
            f'- {name}: time grows with the pixels to the power of '
            f'{growth(*zip(*points)):.2f}'
            for name, points in curves.items()
        )
        if args.plot:
            draw_growth(curves, args.plot)
    print(text)
    rows = [{k: v for k, v in group.items() if k != 'table'} for group in groups]
    result = {'machine': machine.describe(device), 'groups': rows}
    content = json.dumps(result, indent=2)
    for path, written in ((args.markdown, text), (args.json, content)):
        if path:
            with written_whole(path) as partial_file:
                partial_file.write_text(f'{written}\n', encoding='utf-8')
    return 0


def _compare_evaluators() -> int:
    """Print by how much the two COCO evaluators differ, and the time of each."""
    differ = False
    kinds: tuple[tuple[evaluators.IouType, int], ...] = (('bbox', 2), ('segm', 1))
    for iou_type, rounds in kinds:
        truth, found = evaluators.synthetic(masks=iou_type == 'segm')
        result = evaluators.compare(truth, found, iou_type, rounds=rounds)
        largest = max(result.differences.values())
        differ |= largest > 1e-6
        print(f'{iou_type}: largest difference {largest:.1e}')
        for name, seconds in result.seconds.items():
            print(f'  {name}: {", ".join(f"{each:.1f}" for each in seconds)} s')
    return int(differ)


def _device(name: str) -> torch.device:
    try:
        return torch.zeros(1, device=name).device
    except (AssertionError, RuntimeError) as error:  # no such device, or none here
        reason = str(error).partition('\n')[0]
        raise InputError(f'--device {name} cannot be used: {reason}') from error


def _shapes(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return heights and widths: of two numbers one shape, of others squares."""
    if len(numbers) == 2:
        return [(numbers[0], numbers[1])]
    return [(side, side) for side in numbers]


def _measure(
    args: Namespace, device: torch.device, batch: int, shape: tuple[int, int]
) -> dict[str, Any]:
    """Measure all models, in all settings, on one batch of images of one shape."""
    images = torch.randn(batch, 3, *shape, device=device)
    cases = dict(_cases(args, images))
    reference = _reference(args, cases)
    about = f'{args.task}, {batch} x {shape[0]} x {shape[1]}'
    group: dict[str, Any] = dict(task=args.task, batch=batch, shape=shape)
    if args.memory:
        try:
            peaks = memory.peak_memory(cases)
        except NotImplementedError as error:
            raise InputError(f'--memory: {error}') from error
        group['rows'] = [dict(name=n, peak_bytes=peak) for n, peak in peaks.items()]
        table = memory.to_markdown(peaks, reference)
    else:
        rows = _time(args, cases, reference)
        group['rows'] = [asdict(row) for row in rows]
        table = to_markdown(rows, reference)
    return dict(group, table=f'{about}\n\n{table}')


def _cases(args: Namespace, images: torch.Tensor) -> Iterator[tuple[str, Case]]:
    """Yield each model in each setting, by a name that tells them apart."""
    ours = next((name for name in args.models if name in NAMED), DEFAULT[0])
    settings = list(product(args.precision, args.runtime))
    height, width = images.shape[2:]
    for name in dict.fromkeys(args.models):
        for precision, runtime in settings:
            made = contender(name, (height, width), ours)
            told = [made.name]
            if len(args.precision) > 1 or precision != 'fp32':
                told.append(precision)
            if runtime != 'eager':
                told.append('compiled')
            setting = Setting(args.task, precision, runtime)
            yield ', '.join(told), Case(made.model, images, setting, made.forward)


def _reference(args: Namespace, cases: dict[str, Case]) -> str:
    """Choose the case that the others are compared with."""
    wanted = args.reference
    if wanted is None:
        peers = [name for name in args.models if name in PEERS]
        wanted = LITERAL if LITERAL in args.models else [*peers, *args.models][0]
    if wanted not in args.models:
        raise InputError(
            f'--reference is {wanted}, but must be one of {", ".join(args.models)}'
        )
    each = len(args.precision) * len(args.runtime)
    first = list(dict.fromkeys(args.models)).index(wanted) * each
    return list(cases)[first]


def _time(args: Namespace, cases: dict[str, Case], reference: str) -> list[Row]:
    """Time all cases in turns; again if the machine was not steady."""
    if (load := machine.load()) > machine.BUSY:
        print(f'the machine is busy (load {load:.1f} a core): figures will be off')
    for name, case in cases.items():
        try:
            case()
        except (RuntimeError, ValueError) as error:
            raise InputError(f'{name} cannot compute: {error}') from error
    device = next(iter(cases.values())).images.device
    best: dict[str, list[float]] = {}
    for _ in range(1 + REPEATS):
        seconds = time_in_turns(
            cases, rounds=args.rounds, synchronize=lambda: machine.wait(device)
        )
        if not best or spread(seconds[reference]) < spread(best[reference]):
            best = seconds
        if spread(best[reference]) <= UNSTEADY:
            break
    else:
        width = spread(best[reference])
        print(f'times of {reference} spread by {width:.0%}, however often measured')
    count = next(iter(cases.values())).images.shape[0]
    return summarize(best, reference, images=count, work=_work(cases))


def _work(cases: dict[str, Case]) -> dict[str, float]:
    """Return the seconds that the products of a case take at the matrix speed."""
    found: dict[str, float] = {}
    speeds: dict[torch.dtype, float] = {}
    for name, case in cases.items():
        dtype, device = DTYPES[case.setting.precision], case.images.device
        is_backbone = case.forward is torch.nn.Module.__call__
        if case.setting.task == 'training' or not is_backbone:
            continue  # only the forward pass of a backbone is counted
        if dtype not in speeds:
            speeds[dtype] = machine.matrix_speed(dtype, device)
        found[name] = count_macs(case.model, case.images) / speeds[dtype]
    return found


def _curves(groups: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return pixels and seconds of each row, by its name and batch."""
    several = len({group['batch'] for group in groups}) > 1
    curves: dict[str, list[tuple[int, float]]] = {}
    for group in groups:
        pixels = group['shape'][0] * group['shape'][1]
        for row in group['rows']:
            name = row['name'] + (f', batch {group["batch"]}' if several else '')
            curves.setdefault(name, []).append((pixels, row['median_seconds']))
    return curves
