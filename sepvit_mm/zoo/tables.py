"""Print the manifest and other tables of the docs, and metafiles for mim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import yaml
from mmengine.registry import MODELS

from ..engine import load_config
from ..measure.macs import count_parameters
from ..samples.known import known_kinds
from .manifest import Family, Model, config_path, families
from .size import size_of

# Task and dataset of the papers, by the last word of a config's name.
TASKS = {
    'imagenet': ('Image Classification', 'ImageNet-1k'),
    'coco': ('Object Detection', 'COCO'),
    'ade20k': ('Semantic Segmentation', 'ADE20K'),
}
# The same for the datasets that come with the package.
SMALL_TASKS = {
    'crowns': ('Image Classification', 'tree crowns, embedded'),
    'trees': ('Object Detection', 'trees, embedded'),
    'nuclei': ('Segmentation', 'nuclei, embedded'),
}
NONE = '-'
BLOCK = re.compile(r'(<!-- table: (\S+) -->\n).*?(<!-- end -->)', re.DOTALL)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table, ending in a newline."""
    lines = [header, ['---'] * len(header), *rows]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def _link(model: Model) -> str:
    # relative to docs/; the docs site has a page for each config
    return f'[`{model.name}`](../configs/{model.name}.py)'


def _figures(figures: Mapping[str, float]) -> str:
    return ', '.join(f'{name} {value}' for name, value in figures.items()) or NONE


def _of_task(family: Family, *datasets: str) -> list[Model]:
    return [model for model in family.models.values() if model.dataset in datasets]


def _macs(model: Model) -> list[str]:
    """Show MACs as counted here, with their deviation, and as published."""
    macs = size_of(model.name).macs / 1e9
    size = '' if model.counted.shape[0] != 384 else ' at 384'
    if not model.macs:
        return [f'{macs:.2f} G{size}', NONE]
    slip = f' (a slip: {model.macs_corrected} G)' if model.macs_corrected else ''
    meant = model.macs_corrected or model.macs
    digits = 1 if isinstance(meant, float) else 0
    off = ''
    if round(macs, digits) != meant:
        off = f' ({100 * (macs / meant - 1):+.1f} %)'
    return [f'{macs:.2f} G{size}{off}', f'{model.macs} G{slip}']


def architectures() -> str:
    """Make the table of backbones: one row for each ImageNet config."""
    rows = []
    for family in families().values():
        backbone = MODELS.get(family.backbone)
        for model in _of_task(family, 'imagenet'):
            arch = load_config(config_path(model.name)).model.backbone.arch
            table = backbone.variants[arch]
            with torch.device('meta'):
                parameters = count_parameters(backbone(arch))
            rows.append(
                [
                    f'`{family.backbone}`',
                    f'`{arch}`',
                    ', '.join(map(str, table['embed_dims'])),
                    ', '.join(map(str, table['depths'])),
                    f'{parameters / 1e6:.1f} M',
                    f'{size_of(model.name).parameters / 1e6:.1f} M',
                    *_macs(model),
                    f'{model.results["top-1"]}',
                    _link(model),
                ]
            )
    header = 'backbone, arch, channels, blocks, parameters, with 1000 classes, '
    header += 'MACs at 224, MACs (paper), top-1 (paper), config'
    return markdown(header.split(', '), rows)


def _recipe(model: Model) -> str:
    """Describe what differs between the recipes of detectors and segmentors."""
    recipe = model.recipe
    transforms = {transform['type'] for transform in recipe['train_images']}
    ((unit, count),) = recipe['length'].items()
    words = [
        f'{count // 1000}k {unit}' if unit == 'iterations' else f'{count} {unit}',
        f'lr {recipe["lr"]:g}',
        f'decay {recipe["weight_decay"]:g}',
    ]
    for applies, word in (
        ('RandomChoice' in transforms, 'multi-scale'),
        (recipe['mixed_precision'], 'mixed precision'),
        (recipe['checkpointing'], 'activation checkpointing'),
    ):
        words += [word] * applies
    return ', '.join(words)


def dense(family: Family) -> str:
    """Make the table of a family's detectors and segmentors, beside the paper's."""
    rows = []
    for model in _of_task(family, 'coco', 'ade20k'):
        rows.append(
            [
                _link(model),
                f'{size_of(model.name).parameters / 1e6:.1f} M',
                *_macs(model),
                _figures(model.results),
                _recipe(model),
                {'authors': 'the authors', 'us': 'ours'}[model.recipe_by],
            ]
        )
    header = 'config, parameters, MACs, MACs (paper), accuracy (paper), recipe, whose'
    return markdown(header.split(', '), rows)


def small() -> str:
    """Make the table of configs for the small datasets, with measured results."""
    rows = [
        [
            _link(model),
            _figures(model.measured),
            _figures(model.untrained),
            f'{model.minutes} min',
        ]
        for family in families().values()
        for model in family.models.values()
        if model.measured
    ]
    return markdown(['config', 'held out', 'untrained', 'training'], rows)


def data() -> str:
    """Make the table of what may be wrong with annotated images."""
    rows = [
        [name, kind.what, kind.then]
        for name, kinds in known_kinds().items()
        for kind in kinds
    ]
    return markdown(['format', 'what is wrong', 'what is done'], rows)


def tables() -> dict[str, str]:
    """Make all tables, by the name that marks their place in a document."""
    by_family = {name: dense(family) for name, family in families().items()}
    return {
        'architectures': architectures(),
        **by_family,
        'small': small(),
        'data': data(),
    }


def renew(document: str, current: Mapping[str, str]) -> str:
    """Replace the tables in a document.

    Args:
        document: Markdown, with ``<!-- table: NAME -->`` before each table and
            ``<!-- end -->`` after it.
        current: from :func:`tables`.

    Raises:
        KeyError: the document names a table that does not exist.
    """
    return BLOCK.sub(lambda m: f'{m[1]}\n{current[m[2]]}\n{m[3]}', document)


def metafile(family: Family) -> str:
    """Make the metafile of a family, as mim and mmengine read it."""
    paper = {'Title': family.title, 'URL': family.url}
    collection: dict[str, Any] = {
        'Name': family.backbone,
        'Paper': paper,
        'Source of published figures': family.source,
    }
    if family.code:
        collection['Code'] = {'URL': family.code}
    entries = []
    for model in family.models.values():
        size = size_of(model.name)
        task, dataset = (TASKS | SMALL_TASKS)[model.dataset]
        metadata: dict[str, Any] = {
            'Parameters': size.parameters,
            'FLOPs': size.macs,
            'FLOPs count': ', '.join(model.counted.kinds),
            'Image': 'x'.join(map(str, model.counted.shape)),
            'Task': task,
            'Training Data': dataset,
        }
        if model.results:
            metadata['Published, not reproduced here'] = {
                **model.results,
                **model.also_published,
            }
        if model.measured:
            metadata['Measured here'] = dict(model.measured)
        entries.append(
            {
                'Name': model.name,
                'In Collection': family.backbone,
                # the leading dot lets mmengine find it as sepvit_mm::configs/NAME.py
                'Config': f'./configs/{model.name}.py',
                'Metadata': metadata,
            }
        )
    data = {'Collections': [collection], 'Models': entries}
    note = (
        '# Made by sepvit-mm zoo --write. Parameters and FLOPs, which are\n'
        '# multiply-accumulates, are computed here.\n'
    )
    return note + yaml.safe_dump(data, sort_keys=False, width=88)


def files() -> dict[str, str]:
    """Make the metafiles and their index, by path in a checkout."""
    texts = {
        f'configs/metafile_{backbone.lower()}.yml': metafile(family)
        for backbone, family in families().items()
    }
    index = yaml.safe_dump({'Import': list(texts)})
    note = '# Made by sepvit-mm zoo --write.\n'
    return {'model-index.yml': note + index, **texts}
