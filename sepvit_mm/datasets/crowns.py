"""Crowns: small crops of the tree scenes, half of them with a tree in the middle.

This classification dataset takes the place of ImageNet: it pre-trains a backbone from
which a detector, here the one for trees, then starts. The crops are from the scenes of
:mod:`.trees`, with the same scenes held out, so no further source is needed and both
steps of training stay within one domain.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from .coco import write_annotations, write_png
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
    """Write the dataset: images, and annotations in OpenMMLab's own layout.

    Tree crops have a box at their centre, and are moved inside the scene if need be.
    No box reaches the middle half of a ground crop.

    Args:
        files: contents of the wheel's files by path.
        folder: the folder to write to.
        scenes: names of the scenes in each split. Defaults to those of the trees.
        size: width and height of a crop in pixels. Defaults to 64.
    """
    for split, names in scenes.items():
        entries = []
        for name in names:
            for label, (crop_name, pixels) in _crops(files, name, size):
                file_name = f'{name}_{crop_name}.png'
                write_png(folder / 'images' / split / file_name, pixels)
                entries.append({'img_path': file_name, 'gt_label': label})
        content = {'metainfo': {'classes': CLASSES}, 'data_list': entries}
        write_annotations(folder, split, content)


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
    # As many trees as ground, and the same ones every time.
    rng = np.random.default_rng(0)
    count = min(len(places), len(ground))
    for label, candidates in ((1, places), (0, ground)):
        for index in sorted(rng.choice(len(candidates), count, replace=False)):
            left, top = candidates[index]
            pixels = scene[top : top + size, left : left + size]
            yield label, (f'{CLASSES[label]}{index:05d}', pixels)


def _around(x: int, y: int, size: int, width: int, height: int) -> tuple[int, int]:
    """Place a crop around a point, or as near as the scene's borders allow."""
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
