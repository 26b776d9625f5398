"""Time a backbone beside its literal definition and its peers, in one process."""

import argparse
import json
from functools import partial
from pathlib import Path

import torch

from sepvit_mm import LITv2, PaleTransformer, SepViT
from sepvit_mm.measure.literal import literal_copy
from sepvit_mm.measure.speed import summarize, time_in_turns, to_markdown

BACKBONES = {'SepViT': SepViT, 'LITv2': LITv2, 'PaleTransformer': PaleTransformer}
DEFAULT_ARCH = {'SepViT': 'tiny', 'LITv2': 'small', 'PaleTransformer': 'tiny'}
LITERAL = 'literal definition'
PEERS = {
    'Swin-T (timm)': 'swin_tiny_patch4_window7_224',
    'ConvNeXt-T (timm)': 'convnext_tiny',
}


def build(name: str, arch: str, height: int, width: int, peers: bool) -> dict:
    """Build the models to compare, in evaluation mode, by name."""
    ours = BACKBONES[name](arch).eval()
    models = {f'{name}-{arch}': ours}
    if name != 'PaleTransformer':  # whose definition goes position by position
        models[LITERAL] = literal_copy(ours)
    if peers:
        import timm  # needed for nothing else
    for title, peer in PEERS.items() if peers else ():
        size = {'img_size': (height, width)} if 'swin' in peer else {}
        models[title] = timm.create_model(peer, features_only=True, **size).eval()
    return models


def main() -> None:
    """Measure as the command line says, and print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--backbone', default='SepViT', choices=sorted(BACKBONES))
    parser.add_argument(
        '--arch', help='default: the smallest of the paper, tiny or small'
    )
    parser.add_argument(
        '--shape', type=int, nargs=2, default=(800, 1344), metavar=('H', 'W')
    )
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--device', default='cpu')
    parser.add_argument(
        '--no-peers', action='store_true', help='leave out the models of timm'
    )
    parser.add_argument('--json', type=Path, help='write the rows to this file')
    parser.add_argument('--markdown', type=Path, help='write the table to this file')
    args = parser.parse_args()
    arch = args.arch or DEFAULT_ARCH[args.backbone]
    variants = sorted(BACKBONES[args.backbone].variants)
    if arch not in variants:
        parser.error(f'--arch is {arch}, but must be one of {", ".join(variants)}')

    images = torch.randn(args.batch, 3, *args.shape, device=args.device)
    models = build(args.backbone, arch, *args.shape, peers=not args.no_peers)
    reference = next(name for name in (LITERAL, *PEERS, *models) if name in models)
    runs = {
        name: partial(model.to(args.device), images) for name, model in models.items()
    }
    on_cuda = images.is_cuda
    seconds = time_in_turns(
        runs,
        rounds=args.rounds,
        **({'synchronize': torch.cuda.synchronize} if on_cuda else {}),
    )
    rows = summarize(seconds, reference)
    table = to_markdown(rows, reference)
    device = torch.cuda.get_device_name() if on_cuda else 'CPU'
    threads = '' if on_cuda else f', {torch.get_num_threads()} threads'
    batch, (height, width) = args.batch, args.shape
    heading = f'{device}{threads}, float32 inference, {batch} x {height} x {width}'
    print(f'{heading}\n\n{table}')
    if args.markdown:
        args.markdown.write_text(f'{heading}\n\n{table}\n')
    if args.json:
        args.json.write_text(
            json.dumps({'setting': heading, 'rows': rows}, indent=2) + '\n'
        )


if __name__ == '__main__':
    main()
