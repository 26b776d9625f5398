"""Write a split of tiles as PNG files and one COCO annotation file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Annotation = dict[str, Any]


def write_split(
    folder: Path,
    split: str,
    category: str,
    tiles: Iterable[tuple[str, np.ndarray, list[Annotation]]],
) -> None:
    """Write ``images/{split}/*.png`` and ``annotations/{split}.json``.

    Ids count from 1 in the order of ``tiles``, so that equal input gives equal files.

    Args:
        folder: the dataset's folder.
        split: 'train' or 'val'.
        category: name of the only category; its id is 1.
        tiles: name of each tile, its 8-bit image of shape (H, W) or (H, W, 3) in RGB
            order, and its annotations: ``bbox``, ``area``, ``iscrowd`` and, for masks,
            ``segmentation``.
    """
    images: list[dict[str, Any]] = []
    annotations: list[Annotation] = []
    for image_id, (name, pixels, objects) in enumerate(tiles, start=1):
        file_name = f'{name}.png'
        write_png(folder / 'images' / split / file_name, pixels)
        height, width = pixels.shape[:2]
        images.append(
            {'id': image_id, 'file_name': file_name, 'width': width, 'height': height}
        )
        for fields in objects:
            ids = {'id': len(annotations) + 1, 'image_id': image_id, 'category_id': 1}
            annotations.append({**ids, **fields})
    write_annotations(
        folder,
        split,
        {
            'images': images,
            'annotations': annotations,
            'categories': [{'id': 1, 'name': category}],
        },
    )


def write_annotations(folder: Path, split: str, content: Mapping[str, Any]) -> None:
    """Write the annotations of a split as JSON.

    Args:
        folder: the dataset's folder.
        split: 'train' or 'val'.
        content: the annotations, in the layout of COCO or of OpenMMLab.
    """
    path = annotation_file(folder, split)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write an image, and create its folders.

    Args:
        path: the file to write.
        pixels: an 8-bit image of shape (H, W) or (H, W, 3) in RGB order.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def annotation_file(folder: Path, split: str) -> Path:
    """Return the path of a split's annotations.

    Args:
        folder: the dataset's folder.
        split: 'train' or 'val'.
    """
    return folder / 'annotations' / f'{split}.json'
