"""Write the config of a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..samples.sample import Task
from .choices import Choices
from .code import Name, assignment, comment
from .sizes import Input
from .splits import Splits

JITTER = (0.75, 1.33)  # of the size, in training
LEAST_PART = 0.5  # of an image that a classifier sees in training
CLASSES = 'classes.txt'
CLASS_LINES = 5  # of a config; names that take more are in a file


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
    backbone = start.backbone.settings(
        task, maps=choices.method.maps(start.backbone)
    )
    if start.checkpoint:
        backbone['init_cfg'] = dict(type='Pretrained', checkpoint=start.checkpoint)
    listed = stands_in_config(classes)
    named: Any = tuple(classes) if listed else Name(f"f'{{data_root}}/{CLASSES}'")
    number = Name('len(classes)') if listed else len(classes)
    blocks = [
        [
            comment(
                f'{choices.method.name} with {start.backbone.name} for '
                f'{_count(len(classes), "class", "classes")}: {task} from '
                f'{_count(len(splits.train), "image")}, written by sepvit-mm new.'
            ),
            comment(
                'On another machine, change these paths: the configs of sepvit_mm '
                'there, this folder, and the images.'
            ),
            assignment('_base_', str(choices.method.base_config(start.backbone))),
            assignment('data_root', str(folder)),
            assignment('images', str(images)),
            "work_dir = f'{data_root}/run'",
            assignment('classes', named),
        ],
        [comment(f'Size: {choices.input.reason}.'), *_pipelines(task, choices.input)],
        [
            comment(f'Batch and processes are for {choices.machine}.'),
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
            comment(f'Rate: {choices.rate_reason}.'),
            assignment('optim_wrapper', dict(optimizer=dict(lr=choices.rate))),
            assignment('auto_scale_lr', dict(base_batch_size=choices.batch)),
        ],
    ]
    return '\n\n'.join('\n'.join(block) for block in blocks) + '\n'


def stands_in_config(classes: Sequence[str]) -> bool:
    """Tell whether the names of the classes are few enough for the config itself."""
    return assignment('classes', tuple(classes)).count('\n') < CLASS_LINES


def _pipelines(task: Task, size: Input) -> list[str]:
    """Write what is done to images between loading and packing."""
    side = (size.side, size.side)
    resize = dict(type='Resize', scale=side, keep_ratio=True)
    train: list[dict[str, Any]] = [
        dict(type='RandomResize', scale=side, ratio_range=JITTER, keep_ratio=True)
    ]
    test = [resize]
    crop: dict[str, Any] = dict(type='RandomCrop', crop_size=(size.crop, size.crop))
    if task == 'detection':
        crop['allow_negative_crop'] = True
    elif task == 'instance':
        crop['recompute_bbox'] = True
    elif task == 'semantic':
        crop['cat_max_ratio'] = 0.75
    train.append(crop)
    if task == 'classification':
        train = [
            dict(
                type='RandomResizedCrop',
                scale=size.side,
                crop_ratio_range=(LEAST_PART, 1.0),
            )
        ]
        test = [
            dict(type='ResizeEdge', scale=size.side, edge='short'),
            dict(type='CenterCrop', crop_size=size.side),
        ]
    return [
        assignment(
            'train_pipeline', [Name('*_base_.load'), *train, Name('*_base_.augment')]
        ),
        assignment(
            'test_pipeline', [Name('*_base_.load_image'), *test, Name('*_base_.pack')]
        ),
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
    )

    test = dict(ann_file=f'annotations/test.{suffix}')

    def reads(pipeline: str, **more: str) -> dict[str, Any]:
        return {'**': Name('dataset'), **more, 'pipeline': Name(pipeline)}

    train = dict(
        batch_size=choices.batch,
        num_workers=choices.workers,
        dataset=reads('train_pipeline'),
    )
    lines = [
        assignment('dataset', dataset),
        assignment('train_dataloader', train),
        assignment('val_dataloader', dict(dataset=reads('test_pipeline'))),
        assignment('test_dataloader', dict(dataset=reads('test_pipeline', **test)))
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
        values[f'{head}.num_classes'] = number
    lines = []
    if choices.anchors:
        lines.append(comment(f'The anchors {choices.anchors_reason}.'))
        ratios = list(choices.anchors.ratios)
        if method.name == 'retinanet':
            at = 'bbox_head.anchor_generator'
            values[f'{at}.octave_base_scale'] = choices.anchors.scale
        else:
            at = 'rpn_head.anchor_generator'
            values[f'{at}.scales'] = [choices.anchors.scale]
        values[f'{at}.ratios'] = ratios
    if method.task == 'semantic':
        crop = choices.input.crop
        values['data_preprocessor.size'] = (crop, crop)
    elif method.task == 'classification':
        values['data_preprocessor.num_classes'] = number
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


def _count(number: int, noun: str, plural: str = '') -> str:
    return f'{number} {noun if number == 1 else plural or noun + "s"}'
