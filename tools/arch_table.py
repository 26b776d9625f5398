"""Print the README's table of architectures."""

import torch

from sepvit_mm import SepViT
from sepvit_mm.complexity import count_macs

NUM_CLASSES = 1000
# arXiv 2203.15380v4; not measured here, since no weights were published.
TOP1 = {'lite': 72.3, 'tiny': 82.7, 'small': 83.6, 'base': 84.2}


def count_parameters(model: torch.nn.Module) -> int:
    """Count all parameters, trained or frozen."""
    return sum(parameter.numel() for parameter in model.parameters())


def main() -> None:
    """Build every architecture without memory and print a Markdown row for each."""
    for arch, table in SepViT.variants.items():
        with torch.device('meta'):
            dense = SepViT(arch)
            classifier = SepViT(arch, mode='classification').eval()
            images = torch.zeros(1, 3, 224, 224)
        channels = classifier.out_channels[-1]
        params = count_parameters(classifier) + NUM_CLASSES * (channels + 1)
        macs = count_macs(classifier, images) + NUM_CLASSES * channels
        dims, depths = (', '.join(map(str, table[k])) for k in ('embed_dims', 'depths'))
        print(
            f'| {arch} | {dims} | {depths} | {count_parameters(dense) / 1e6:.1f} M '
            f'| {params / 1e6:.1f} M, {macs / 1e9:.2f} G | {TOP1[arch]} |'
        )


if __name__ == '__main__':
    main()
