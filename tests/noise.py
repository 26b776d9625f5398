"""Small data sets of noise with a bright box each, and configs that train on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CONFIGS = Path(__file__).parents[1] / 'configs'
COUNT = 6
WIDTH, HEIGHT = 160, 120
NAMES = ('cat', 'dog')


def _box(index: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the box in an image."""
    return 10 + 8 * index, 20 + 4 * index, 60, 40


def write_images(folder: Path, count: int = COUNT) -> list[str]:
    """Write images of noise with a bright box each; return their names."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for index in range(count):
        pixels = rng.integers(0, 100, (HEIGHT, WIDTH, 3), np.uint8)
        left, top, width, height = _box(index)
        pixels[top : top + height, left : left + width] += 150
        names.append(f'{index}.png')
        Image.fromarray(pixels).save(folder / names[-1])
    return names


def coco_json(names: list[str], classes: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """Describe these images in COCO's format, one annotation each, classes in turn."""
    images, annotations = [], []
    for index, name in enumerate(names):
        left, top, width, height = box = _box(index)
        right, bottom = left + width, top + height
        images.append(dict(id=index + 1, file_name=name, width=WIDTH, height=HEIGHT))
        annotations.append(
            dict(
                id=index + 1,
                image_id=index + 1,
                category_id=index % len(classes) + 1,
                bbox=list(box),
                area=width * height,
                iscrowd=0,
                segmentation=[[left, top, right, top, right, bottom, left, bottom]],
            )
        )
    categories = [dict(id=i, name=name) for i, name in enumerate(classes, start=1)]
    return dict(images=images, annotations=annotations, categories=categories)


def write_coco(root: Path, classes: tuple[str, ...] = NAMES) -> Path:
    """Write images and COCO files for training and validation; return ``root``."""
    (root / 'annotations').mkdir(parents=True, exist_ok=True)
    for split in ('train', 'val'):
        content = coco_json(write_images(root / 'images' / split), classes)
        (root / f'annotations/{split}.json').write_text(json.dumps(content))
    return root


def write_masks(root: Path) -> Path:
    """Write images and label maps of 0 and 1 for both splits; return ``root``."""
    for split in ('train', 'val'):
        (root / 'masks' / split).mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(write_images(root / 'images' / split)):
            labels = np.zeros((HEIGHT, WIDTH), np.uint8)
            left, top, width, height = _box(index)
            labels[top : top + height, left : left + width] = 1
            Image.fromarray(labels).save(root / 'masks' / split / name)
    return root


def write_labels(root: Path) -> Path:
    """Write images and the class of each for both splits; return ``root``."""
    (root / 'annotations').mkdir(parents=True, exist_ok=True)
    for split in ('train', 'val'):
        names = write_images(root / 'images' / split)
        content = [
            dict(img_path=name, gt_label=index % len(NAMES))
            for index, name in enumerate(names)
        ]
        path = root / f'annotations/{split}.json'
        path.write_text(json.dumps(dict(metainfo={}, data_list=content)))
    return root


_SMALL = """
load = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=2, **load)
val_dataloader = dict(**load)
test_dataloader = dict(**load)
train_cfg = dict(max_iters=2, val_interval=2)
param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=2)]
auto_scale_lr = dict(base_batch_size=2)
"""


def _write_config(path: Path, base: str, root: Path, body: str, more: str) -> Path:
    start = f'_base_ = {str(CONFIGS / base)!r}\ndata_root = {str(root)!r}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{start}{body}{_SMALL}{more}\n')
    return path


def detector_config(
    path: Path, root: Path, more: str = '', *, masks: bool = False
) -> Path:
    """Write a config of a detector for :func:`write_coco`; return its path.

    Args:
        path: the file to write.
        root: folder of the data.
        more: lines to put at its end; they may change ``train_dataloader`` and the
            like, by assigning to their keys.
        masks: train Mask R-CNN instead of ATSS.
    """
    body = """
metainfo = dict(classes=('cat', 'dog'), palette=[(220, 20, 60), (0, 80, 220)])
dataset = dict(data_root=data_root, metainfo=metainfo)
"""
    if masks:
        base = 'mask_rcnn_sepvit_lite_nuclei.py'
        body += 'heads = dict(bbox_head=dict(num_classes=2), '
        body += 'mask_head=dict(num_classes=2))\nmodel = dict(roi_head=heads)\n'
    else:
        base = 'atss_sepvit_lite_trees.py'
        body += 'model = dict(bbox_head=dict(num_classes=2))\n'
    after = """
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset'] = dataset
val_evaluator = dict(ann_file=f'{data_root}/annotations/val.json')
test_evaluator = dict(ann_file=f'{data_root}/annotations/val.json')
"""
    return _write_config(path, base, root, body, after + more)


def segmentor_config(path: Path, root: Path, more: str = '') -> Path:
    """Write a config of a segmentor for :func:`write_masks`; return its path."""
    body = """
metainfo = dict(classes=('ground', 'box'), palette=[(0, 0, 0), (0, 200, 120)])
dataset = dict(data_root=data_root, metainfo=metainfo)
"""
    after = """
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset'] = dataset
"""
    return _write_config(
        path, 'upernet_sepvit_lite_nuclei.py', root, body, after + more
    )


def classifier_config(path: Path, root: Path, more: str = '') -> Path:
    """Write a config of a classifier for :func:`write_labels`; return its path."""
    body = """
resize = dict(type='Resize', scale=(64, 64))
train_pipeline = [dict(type='LoadImageFromFile'), resize, dict(type='PackInputs')]
metainfo = dict(classes=('cat', 'dog'))
dataset = dict(data_root=data_root, metainfo=metainfo, pipeline=train_pipeline)
"""
    after = """
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset'] = dataset
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=2, val_interval=2)
"""
    return _write_config(path, 'sepvit_lite_crowns.py', root, body, after + more)


def config_of_each_task(root: Path, detector: str = '') -> dict[str, Path]:
    """Write data and a config for each task; return the configs' paths by task.

    Args:
        root: folder to write to; COCO files and images go to its ``coco``.
        detector: lines to put at the end of the detector's config.
    """
    coco = write_coco(root / 'coco')
    return {
        'detection': detector_config(root / 'd.py', coco, detector),
        'instance': detector_config(root / 'i.py', coco, masks=True),
        'semantic': segmentor_config(root / 's.py', write_masks(root / 'masks')),
        'classification': classifier_config(
            root / 'c.py', write_labels(root / 'labels')
        ),
    }
