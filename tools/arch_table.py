"""Print the README's table of architectures."""

import torch

from sepvit_mm import LITv2, PaleTransformer, SepViT
from sepvit_mm.complexity import count_macs

NUM_CLASSES = 1000
# Backbone, how it classifies, and the papers' top-1 accuracies: arXiv 2203.15380v4,
# 2205.13213v5 and 2112.14000v1; not measured here.
FAMILIES = [
    (
        SepViT,
        dict(mode='classification'),
        {'lite': 72.3, 'tiny': 82.7, 'small': 83.6, 'base': 84.2},
    ),
    (
        LITv2,
        dict(out_norms='classification'),
        {'small': 82.0, 'medium': 83.3, 'base': 83.6},
    ),
    (
        PaleTransformer,
        dict(out_indices=(3,)),
        {'tiny': 83.4, 'small': 84.3, 'base': 84.9},
    ),
]


def count_parameters(model: torch.nn.Module) -> int:
    """Count all parameters, trained or frozen."""
    return sum(parameter.numel() for parameter in model.parameters())


def main() -> None:
    """Build every architecture without memory and print a Markdown row for each."""
    for backbone, classify, accuracies in FAMILIES:
        for arch, table in backbone.variants.items():
            with torch.device('meta'):
                dense = backbone(arch)
                classifier = backbone(arch, **classify).eval()
                images = torch.zeros(1, 3, 224, 224)
            channels = classifier.out_channels[-1]
            params = count_parameters(classifier) + NUM_CLASSES * (channels + 1)
            macs = count_macs(classifier, images) + NUM_CLASSES * channels
            dims = ', '.join(map(str, table['embed_dims']))
            depths = ', '.join(map(str, table['depths']))
            print(
                f'| `{backbone.__name__}` | `{arch}` | {dims} | {depths} '
                f'| {count_parameters(dense) / 1e6:.1f} M | {params / 1e6:.1f} M '
                f'| {macs / 1e9:.2f} G | {accuracies[arch]} |'
            )


if __name__ == '__main__':
    main()
