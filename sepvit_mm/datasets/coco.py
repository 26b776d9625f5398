"""Writing a split of tiles as PNG files and one COCO annotation file."""

import json
from collections.abc import Iterable
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

    Ids count from 1 in the order of ``tiles``, so equal input gives equal files.

    Args:
        folder: The dataset's folder.
        split: ``'train'`` or ``'val'``.
        category: Name of the only category; its id is 1.
        tiles: For each tile its name, its 8-bit image of shape (H, W) or (H, W, 3) in
            RGB order, and its annotations: ``bbox``, ``area``, ``iscrowd`` and, where
            there are masks, ``segmentation``.
    """
    images, annotations = [], []
    for image_id, (name, pixels, objects) in enumerate(tiles, start=1):
        file_name = f'{name}.png'
        write_png(folder / 'images' / split / file_name, pixels)
        height, width = pixels.shape[:2]
        images.append(
            {'id': image_id, 'file_name': file_name, 'width': width, 'height': height}
        )
        for fields in objects:
            annotations.append(
                dict(
                    id=len(annotations) + 1, image_id=image_id, category_id=1, **fields
                )
            )
    path = annotation_file(folder, split)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                'images': images,
                'annotations': annotations,
                'categories': [{'id': 1, 'name': category}],
            }
        )
    )


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write an 8-bit image, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def annotation_file(folder: Path, split: str) -> Path:
    """Return where a split's annotations are."""
    return folder / 'annotations' / f'{split}.json'
