"""Write the config of a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..plugins.identity_blocks import IdentityBlocks
from ..samples.sample import Task
from .choices import Choices
from .code import Name, assignment, comment
from .sizes import Input
from .splits import Splits

JITTER = (0.75, 1.33)  # of the size, in training
SHOWN = (0.5, 1.0)  # part of an image that a classifier sees in training
CROPPING: dict[Task, dict[str, Any]] = {
    'detection': dict(allow_negative_crop=True),
    'instance': dict(recompute_bbox=True),
    'semantic': dict(cat_max_ratio=0.75),
}
CLASSES = 'classes.txt'
CLASS_LINES = 3  # of a config; names that take more are in a file


def write_config(
    choices: Choices,
    splits: Splits,
    classes: Sequence[str],
    folder: Path,
    images: Path,
) -> str:
    """Return the text of the config, which begins with what moves with the machine.

    Args:
        choices: the recipe.
        splits: for the numbers of images.
        classes: names of the classes.
        folder: the project's folder, as an absolute path.
        images: the folder that all images are in, as an absolute path.
    """
    task, start = choices.method.task, choices.start
    backbone = start.backbone.settings(task, maps=choices.method.maps(start.backbone))
    if start.checkpoint:
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint=Name('weights'))
    elif start.backbone.gains_from_identity:
        backbone['init_cfg'] = dict(type=IdentityBlocks.__name__)
    listed = stands_in_config(classes)
    named: Any = tuple(classes) if listed else Name(f"f'{{data_root}}/{CLASSES}'")
    number = Name('len(classes)') if listed else len(classes)
    blocks = [
        [
            comment(
                f'{choices.method.name} with {start.backbone.name}, to train on '
                f'{len(splits.train)} images. Written by sepvit-mm new.'
            ),
            comment(
                'On another machine, change these paths: the config it inherits from, '
                'this folder, the images'
                + (
                    ', the weights.'
                    if Path(start.checkpoint or '').is_absolute()
                    else '.'
                )
            ),
            assignment('_base_', str(choices.method.base_config(start.backbone))),
            assignment('data_root', str(folder)),
            assignment('images', str(images)),
            *([assignment('weights', start.checkpoint)] if start.checkpoint else []),
            "work_dir = f'{data_root}/run'",
            assignment('classes', named),
        ],
        [comment(f'Size: {choices.input.reason}.'), *_pipelines(task, choices.input)],
        [
            comment(f'Batch size and number of processes suit {choices.machine}.'),
            *_data(choices, has_test=splits.test != splits.val),
        ],
        _model(choices, backbone, number),
        [
            comment(f'Length: {choices.steps_reason}.'),
            assignment('max_iters', choices.steps),
            assignment('interval', choices.interval),
            assignment(
                'train_cfg',
                dict(max_iters=Name('max_iters'), val_interval=Name('interval')),
            ),
            f'_base_.param_scheduler[0].end = {choices.warmup}',
            f'_base_.param_scheduler[1].update(begin={choices.warmup}, end=max_iters, '
            f'T_max=max_iters - {choices.warmup})',
            assignment(
                'default_hooks', dict(checkpoint=dict(interval=Name('interval')))
            ),
            assignment('optim_wrapper', dict(optimizer=dict(lr=choices.rate)))
            + f'  # {choices.rate_reason}',
            assignment('auto_scale_lr', dict(base_batch_size=choices.batch)),
        ],
    ]
    return '\n\n'.join('\n'.join(block) for block in blocks) + '\n'


def stands_in_config(classes: Sequence[str]) -> bool:
    """Tell whether the names of the classes are few enough for the config itself."""
    return assignment('classes', tuple(classes)).count('\n') < CLASS_LINES + 2


def _pipelines(task: Task, size: Input) -> list[str]:
    """Write what is done to images between loading and packing."""
    side = Name('size')
    if task == 'classification':
        shape: Any = size.side
        train: list[Any] = [
            dict(type='RandomResizedCrop', scale=side, crop_ratio_range=SHOWN)
        ]
        test: list[Any] = [
            dict(type='ResizeEdge', scale=side, edge='short'),
            dict(type='CenterCrop', crop_size=side),
        ]
    else:
        shape = (size.side, size.side)
        crop = (size.crop, size.crop)
        train = [
            dict(type='RandomResize', scale=side, ratio_range=JITTER, keep_ratio=True),
            dict(type='RandomCrop', crop_size=crop, **CROPPING[task]),
        ]
        test = [dict(type='Resize', scale=side, keep_ratio=True)]
    train = [Name('*_base_.load'), *train, Name('*_base_.augment')]
    test = [Name('*_base_.load_image'), *test, Name('*_base_.pack')]
    return [
        assignment('size', shape),
        assignment('train_pipeline', train),
        assignment('test_pipeline', test),
    ]


def _data(choices: Choices, *, has_test: bool) -> list[str]:
    """Write datasets, dataloaders and evaluators."""
    task = choices.method.task
    suffix = 'json' if task in ('detection', 'instance') else 'txt'
    prefix: Any = {
        'semantic': dict(img_path=Name('images'), seg_map_path='masks'),
        'classification': Name('images'),
    }.get(task, dict(img=Name('images')))
    dataset = dict(
        data_root=Name('data_root'),
        data_prefix=prefix,
        metainfo=dict(classes=Name('classes')),
        pipeline=Name('test_pipeline'),
    )

    test = f'annotations/test.{suffix}'
    train = dict(
        batch_size=choices.batch,
        num_workers=choices.workers,
        dataset=Name('dict(dataset, pipeline=train_pipeline)'),
    )
    lines = [
        assignment('dataset', dataset),
        assignment('train_dataloader', train),
        assignment('val_dataloader', dict(dataset=Name('dataset'))),
        assignment(
            'test_dataloader', dict(dataset=Name(f'dict(dataset, ann_file={test!r})'))
        )
        if has_test
        else 'test_dataloader = val_dataloader',
    ]
    if suffix == 'json':
        lines.append(assignment('val_evaluator', _truth('val')))
        lines.append(
            assignment('test_evaluator', _truth('test'))
            if has_test
            else 'test_evaluator = val_evaluator'
        )
    return lines


def _truth(split: str) -> dict[str, Any]:
    return dict(ann_file=Name(f"f'{{data_root}}/annotations/{split}.json'"))


def _model(choices: Choices, backbone: dict[str, Any], number: Any) -> list[str]:
    """Write what the model has of the data and the backbone."""
    method = choices.method
    values: dict[str, Any] = {'backbone': backbone}
    values.update(method.channels(choices.start.backbone))
    for head in method.classes:
        values[f'{head}.**'] = Name('heads')
    lines = [assignment('heads', dict(num_classes=number))]
    if choices.anchors and method.anchors:
        lines.append(comment(f'The anchors {choices.anchors_reason}.'))
        settings = method.anchors.settings(choices.anchors)
        lines.append(assignment('anchors', settings))
        values[f'{method.anchors.key}.anchor_generator'] = Name('anchors')
    if method.task == 'semantic':
        crop = choices.input.crop
        values['data_preprocessor.size'] = (crop, crop)
    elif method.task == 'classification':
        values['data_preprocessor.**'] = Name('heads')
    lines.append(comment(f'The backbone starts from {choices.start}.'))
    return [*lines, assignment('model', _nested(values))]


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into dicts in dicts."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *parents, key = path.split('.')
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[key] = value
    return nested
