"""Trees: boxes on aerial photographs by NEON, from the deepforest wheel.

Four scenes at 10 cm per pixel, with boxes that people drew around 951 tree crowns
(574, 279, 61 and 37). The largest scene is for training. The others are held out; two
of them are from sites that training never sees.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from .archives import ArchiveSource
from .coco import Annotation, write_split
from .tiling import Box, Tile

SCENES = {
    'train': ('2019_YELL_2_528000_4978000_image_crop2',),
    'val': ('2019_YELL_2_541000_4977000_image_crop', 'OSBS_029', 'SOAP_061'),
}
"""Names of the scenes in each split."""

DATA = 'deepforest/data'
LICENSE = 'deepforest-2.1.0.dist-info/licenses/LICENSE'
SOURCE = ArchiveSource(
    project='deepforest',
    version='2.1.0',
    members=dict.fromkeys(
        [LICENSE]
        + [
            f'{DATA}/{scene}.{suffix}'
            for scenes in SCENES.values()
            for scene in scenes
            for suffix in ('png', 'xml')
        ]
    ),
    sha256='8c2798d8e9be7f0004b194fe207b76c1d9fff6e711b3db67b9508dcd5d00ae54',
)


def write(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    scenes: Mapping[str, tuple[str, ...]] = SCENES,
    tile_size: int = 400,
    overlap: int = 110,
) -> None:
    """Write the dataset in COCO layout.

    Args:
        files: contents of the wheel's files by path.
        folder: the folder to write to.
        scenes: names of the scenes in each split. Defaults to :data:`SCENES`.
        tile_size: largest width and height of a tile in pixels. Defaults to 400.
        overlap: overlap of training tiles in pixels. Held-out tiles do not overlap, so
            that each tree is counted once. Defaults to 110, which no tree exceeds, so
            that each is whole in at least one tile.
    """
    for split, names in scenes.items():
        write_split(
            folder,
            split,
            'tree',
            (
                tile
                for name in names
                for tile in _tiles(
                    files, name, tile_size, overlap if split == 'train' else 0
                )
            ),
        )


def read_voc_boxes(xml: bytes) -> list[Box]:
    """Read the boxes of a Pascal VOC file.

    Labels are ignored: one scene has ``Alive`` and ``Dead``, the others have ``Tree``
    for both.

    Args:
        xml: content of the file.

    Returns:
        Left, top, right, bottom of each box in pixels.
    """
    boxes = []
    for box in ElementTree.fromstring(xml).iterfind('object/bndbox'):
        left, top, right, bottom = (
            int(box.findtext(side, '')) for side in ('xmin', 'ymin', 'xmax', 'ymax')
        )
        boxes.append((left, top, right, bottom))
    return boxes


def _tiles(
    files: Mapping[str, bytes], name: str, tile_size: int, overlap: int
) -> Iterator[tuple[str, np.ndarray, list[Annotation]]]:
    with Image.open(io.BytesIO(files[f'{DATA}/{name}.png'])) as image:
        scene = np.asarray(image.convert('RGB'))
    boxes = read_voc_boxes(files[f'{DATA}/{name}.xml'])
    height, width = scene.shape[:2]
    for tile in Tile(0, 0, width, height).split(tile_size, overlap):
        yield (
            f'{name}_x{tile.left:04d}_y{tile.top:04d}',
            tile.crop(scene),
            _annotations(tile, boxes),
        )


def _annotations(tile: Tile, boxes: list[Box]) -> list[Annotation]:
    annotations = []
    for box in boxes:
        if visible := tile.clip(box):
            left, top, right, bottom = visible
            width, height = right - left, bottom - top
            annotations.append(
                {
                    'bbox': [left, top, width, height],
                    'area': width * height,
                    'iscrowd': int(not tile.owns(box)),
                }
            )
    return annotations
