"""Crowns: small crops of the tree scenes, with a tree in the middle or without.

A classification dataset of real photographs for what ImageNet is for: to pre-train a
backbone that a detector, here that of the trees, then starts from. It is cut from the
scenes of :mod:`.trees`, with the same scenes held out, because that needs no further
source, and because the hand-over stays within one domain. There are as many crops of
either kind.
"""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from .coco import annotation_file, write_png
from .tiling import Box
from .trees import DATA, LICENSE, SCENES, SOURCE, read_voc_boxes

__all__ = ['CLASSES', 'LICENSE', 'SOURCE', 'write']

CLASSES = ('ground', 'tree')


def write(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    scenes: Mapping[str, tuple[str, ...]] = SCENES,
    size: int = 64,
) -> None:
    """Write images, and annotations in OpenMMLab's own layout.

    Args:
        files: Contents of the wheel's files by path.
        folder: Where to write.
        scenes: Split -> scenes. Default: those of the trees.
        size: Width and height of a crop in pixels. Default: 64. Ground is where no box
            reaches the middle half of a crop.
    """
    for split, names in scenes.items():
        entries = []
        for name in names:
            for label, (crop_name, pixels) in _crops(files, name, size):
                file_name = f'{name}_{crop_name}.png'
                write_png(folder / 'images' / split / file_name, pixels)
                entries.append({'img_path': file_name, 'gt_label': label})
        path = annotation_file(folder, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({'metainfo': {'classes': CLASSES}, 'data_list': entries})
        )


def _crops(
    files: Mapping[str, bytes], name: str, size: int
) -> Iterator[tuple[int, tuple[str, np.ndarray]]]:
    with Image.open(io.BytesIO(files[f'{DATA}/{name}.png'])) as image:
        scene = np.asarray(image.convert('RGB'))
    boxes = read_voc_boxes(files[f'{DATA}/{name}.xml'])
    height, width = scene.shape[:2]
    places = [
        _around((left + right) // 2, (top + bottom) // 2, size, width, height)
        for left, top, right, bottom in boxes
    ]
    ground = [
        (left, top)
        for top in range(0, height - size + 1, size // 4)
        for left in range(0, width - size + 1, size // 4)
        if not any(_reaches_middle(box, left, top, size) for box in boxes)
    ]
    # As many of either kind, always the same ones.
    rng = np.random.default_rng(0)
    count = min(len(places), len(ground))
    for label, candidates in ((1, places), (0, ground)):
        for index in sorted(rng.choice(len(candidates), count, replace=False)):
            left, top = candidates[index]
            pixels = scene[top : top + size, left : left + size]
            yield label, (f'{CLASSES[label]}{index:05d}', pixels)


def _around(x: int, y: int, size: int, width: int, height: int) -> tuple[int, int]:
    """Place a crop around a point, moved inside the scene."""
    left = min(max(x - size // 2, 0), width - size)
    top = min(max(y - size // 2, 0), height - size)
    return left, top


def _reaches_middle(box: Box, left: int, top: int, size: int) -> bool:
    margin = size // 4
    return (
        box[0] < left + size - margin
        and box[2] > left + margin
        and box[1] < top + size - margin
        and box[3] > top + margin
    )
