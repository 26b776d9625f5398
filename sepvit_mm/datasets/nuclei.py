"""Nuclei: instance masks on a fluorescence micrograph, from the stardist wheel.

One image of 512 x 512 pixels in which people outlined 125 nuclei. Its left part is
for training and its right part is held out; no pixel is in both.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as mask_api

from .archives import ArchiveSource
from .coco import Annotation, write_png, write_split
from .tiling import Box, Tile

IMAGE = 'stardist/data/images/img2d.tif'
LABELS = 'stardist/data/images/mask2d.tif'
LICENSE = 'stardist-0.9.2.dist-info/licenses/LICENSE.txt'
SOURCE = ArchiveSource(
    project='stardist',
    version='0.9.2',
    members={
        IMAGE: 'f9ccc1571b92c861ff87e28463068b43f61bd47357ed0503f711e5cd1eb97750',
        LABELS: '59ad5e820b7982ca9d13e946fa6e7f64e2714899e00a2ae6c69aa79aad53d46f',
        LICENSE: 'c279e190706f46dd920854b64d0d823a33be1981c187f581eb432b273f797492',
    },
    # The data are the same in every platform's wheel, so one serves all platforms.
    pip_args=(
        '--platform=manylinux_2_28_x86_64',
        '--implementation=cp',
        '--python-version=3.11',
        '--abi=cp311',
    ),
)


def write(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    split_at: int = 288,
    tile_size: int = 320,
    overlap: int = 48,
) -> None:
    """Write the dataset in COCO layout, and its foreground in mmseg layout.

    In ``masks/{split}/*.png`` 0 is background and 1 is nucleus.

    Args:
        files: contents of the wheel's files by path.
        folder: the folder to write to.
        split_at: first column that is held out. Defaults to 288.
        tile_size: largest width and height of a tile in pixels. Defaults to 320.
        overlap: overlap of training tiles in pixels. Held-out tiles do not overlap, so
            that each nucleus is counted once. Defaults to 48, which no nucleus exceeds,
            so that each is whole in at least one tile unless ``split_at`` cuts it.
    """
    image = to_8_bit(_read_tiff(files[IMAGE]))
    labels = _read_tiff(files[LABELS])
    height, width = labels.shape
    tiles = {
        'train': Tile(0, 0, split_at, height).split(tile_size, overlap),
        'val': Tile(split_at, 0, width, height).split(tile_size),
    }
    boxes = _boxes(labels)
    for split in tiles:
        names = {f'img2d_x{t.left:03d}_y{t.top:03d}': t for t in tiles[split]}
        write_split(
            folder,
            split,
            'nucleus',
            (
                (name, tile.crop(image), _annotations(tile, labels, boxes))
                for name, tile in names.items()
            ),
        )
        for name, tile in names.items():
            write_png(
                folder / 'masks' / split / f'{name}.png',
                (tile.crop(labels) > 0).astype(np.uint8),
            )


def to_8_bit(image: np.ndarray) -> np.ndarray:
    """Map intensities to 8 bits by ``16 * sqrt(value)``, the same for every image.

    The micrograph's values reach 235, with a median of 24. The square root evens out
    photon noise and brightens the dim nuclei. 0 stays 0, 255 stays 255, and brighter
    values become 255.

    Args:
        image: intensities from 0, of any shape.

    Returns:
        The image in 8 bits, of the same shape.
    """
    return np.minimum(np.rint(16 * np.sqrt(image)), 255).astype(np.uint8)


def _read_tiff(contents: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(contents)) as image:
        return np.asarray(image)


def _boxes(labels: np.ndarray) -> dict[int, Box]:
    boxes = {}
    for label in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == label)
        boxes[int(label)] = (
            int(columns.min()),
            int(rows.min()),
            int(columns.max()) + 1,
            int(rows.max()) + 1,
        )
    return boxes


def _annotations(
    tile: Tile, labels: np.ndarray, boxes: dict[int, Box]
) -> list[Annotation]:
    visible = tile.crop(labels)
    annotations = []
    for label in np.unique(visible[visible > 0]):
        mask = mask_api.encode(np.asfortranarray(visible == label, dtype=np.uint8))
        annotations.append(
            {
                'bbox': mask_api.toBbox(mask).tolist(),
                'area': int(mask_api.area(mask)),
                'iscrowd': int(not tile.owns(boxes[int(label)])),
                'segmentation': {
                    'size': mask['size'],
                    'counts': mask['counts'].decode(),
                },
            }
        )
    return annotations
