"""Time a backbone beside its literal definition and its peers, or measure memory."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from functools import partial
from typing import Any

import torch
from torch import nn

from ..atomic import written_whole
from ..backbones import LITv2, PaleTransformer, SepViT
from ..errors import InputError
from ..measure import evaluators, memory
from ..measure.literal import literal_copy
from ..measure.speed import summarize, time_in_turns, to_markdown
from .options import add_shape, at_least, file_to_write

BACKBONES: dict[str, type[SepViT | LITv2 | PaleTransformer]] = {
    'SepViT': SepViT,
    'LITv2': LITv2,
    'PaleTransformer': PaleTransformer,
}
DEFAULT_ARCH = {'SepViT': 'tiny', 'LITv2': 'small', 'PaleTransformer': 'tiny'}
LITERAL = 'literal definition'
PEERS = {
    'Swin-T (timm)': 'swin_tiny_patch4_window7_224',
    'ConvNeXt-T (timm)': 'convnext_tiny',
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to time, on what device, and where to write the result."""
    parser.add_argument(
        '--backbone',
        default='SepViT',
        choices=sorted(BACKBONES),
        help='backbone to time (default: %(default)s)',
    )
    parser.add_argument(
        '--arch',
        help='its architecture (default: the closest to the peers, '
        + ', '.join(f'{arch} for {name}' for name, arch in DEFAULT_ARCH.items())
        + ')',
    )
    add_shape(parser, default=(800, 1344), default_help='800 1344')
    parser.add_argument(
        '--batch',
        type=at_least(1),
        default=1,
        metavar='N',
        help='images in a batch (default: %(default)s)',
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
        help='measure peak memory, each model in its own process, instead of time; '
        'without the literal definition',
    )
    parser.add_argument(
        '--evaluators',
        action='store_true',
        help='compare pycocotools with faster-coco-eval instead, on noise of the size '
        "of COCO's val2017",
    )
    parser.add_argument(
        '--no-peers', action='store_true', help='leave out the peers from timm'
    )
    parser.add_argument(
        '--json', type=file_to_write, metavar='FILE', help='write the rows to this file'
    )
    parser.add_argument(
        '--markdown',
        type=file_to_write,
        metavar='FILE',
        help='write the table to this file',
    )


def run(args: Namespace) -> int:
    """Measure the models, and print and write the table."""
    if args.evaluators:
        return _compare_evaluators()
    arch = args.arch or DEFAULT_ARCH[args.backbone]
    variants = sorted(BACKBONES[args.backbone].variants)
    if arch not in variants:
        raise InputError(f'--arch is {arch}, but must be one of {", ".join(variants)}')
    images = _images(args)
    ours = BACKBONES[args.backbone](arch).eval()
    models: dict[str, nn.Module] = {f'{args.backbone}-{arch}': ours}
    # Pale's definition works position by position, which would take hours.
    if not args.memory and args.backbone != 'PaleTransformer':
        models[LITERAL] = literal_copy(ours)
    if not args.no_peers:
        models |= _peers(args.shape)
    reference = next(name for name in (LITERAL, *PEERS, *models) if name in models)
    if args.memory:
        try:
            peaks = memory.peak_memory(models, images)
        except NotImplementedError as error:
            raise InputError(f'--memory: {error}') from error
        rows = [{'name': name, 'peak_bytes': peak} for name, peak in peaks.items()]
        table = memory.to_markdown(peaks, reference)
    else:
        rows = summarize(_time(models, images, args.rounds), reference)
        table = to_markdown(rows, reference)
    _report(args, _setting(images), rows, table)
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


def _images(args: Namespace) -> torch.Tensor:
    """Make a batch of noise on the device."""
    try:
        return torch.randn(args.batch, 3, *args.shape, device=args.device)
    except (AssertionError, RuntimeError) as error:  # no such device, or none here
        reason = str(error).partition('\n')[0]
        raise InputError(f'--device {args.device} cannot be used: {reason}') from error


def _peers(shape: tuple[int, int]) -> dict[str, nn.Module]:
    """Make other backbones of about this size, from timm."""
    try:
        import timm  # optional, only needed here
    except ImportError as error:
        raise InputError(
            'the peers are models of timm, which is not installed: pip install timm, '
            'or leave them out with --no-peers'
        ) from error
    models = {}
    for title, peer in PEERS.items():
        options: dict[str, Any] = {'img_size': shape} if 'swin' in peer else {}
        models[title] = timm.create_model(peer, features_only=True, **options).eval()
    return models


def _time(
    models: dict[str, nn.Module], images: torch.Tensor, rounds: int
) -> dict[str, list[float]]:
    runs = {
        name: partial(model.to(images.device), images) for name, model in models.items()
    }
    if images.is_cuda:
        return time_in_turns(runs, rounds=rounds, synchronize=torch.cuda.synchronize)
    return time_in_turns(runs, rounds=rounds)


def _setting(images: torch.Tensor) -> str:
    """Describe device and images, as the heading of a table."""
    where = f'CPU, {torch.get_num_threads()} threads'
    if images.is_cuda:
        where = torch.cuda.get_device_name(images.device)
    batch, _, height, width = images.shape
    return f'{where}, float32 inference, {batch} x {height} x {width}'


def _report(args: Namespace, setting: str, rows: list[dict], table: str) -> None:
    print(f'{setting}\n\n{table}')
    content = json.dumps({'setting': setting, 'rows': rows}, indent=2)
    for path, text in ((args.markdown, f'{setting}\n\n{table}'), (args.json, content)):
        if path:
            with written_whole(path) as partial_file:
                partial_file.write_text(f'{text}\n')
