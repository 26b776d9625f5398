"""Small files like those in the datasets' wheels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sepvit_mm.datasets import nuclei, trees

BOXES = {
    'meadow': [(0, 0, 9, 9), (45, 45, 55, 56), (30, 70, 41, 80)],
    'wood': [(5, 5, 15, 15), (48, 10, 62, 20)],
}


def encode(pixels: np.ndarray, file_format: str) -> bytes:
    """An image file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, file_format)
    return stream.getvalue()


def voc(
    boxes: list[tuple[int, int, int, int]],
    labels: tuple[str, ...] = ('Tree', 'Alive', 'Dead'),
) -> bytes:
    """A Pascal VOC file with boxes, whose labels take turns."""
    sides = ('xmin', 'ymin', 'xmax', 'ymax')
    objects = ''.join(
        f'<object><name>{labels[i % len(labels)]}</name><bndbox>'
        + ''.join(
            f'<{side}>{value}</{side}>' for side, value in zip(sides, box, strict=True)
        )
        + '</bndbox></object>'
        for i, box in enumerate(boxes)
    )
    return f'<annotation>{objects}</annotation>'.encode()


def discs(size: int = 128, radius: int = 7) -> np.ndarray:
    """Discs on a jittered grid, so that borders at any place cut some of them."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.uint16)
    centres = [(y, x) for y in range(10, size, 20) for x in range(10, size, 20)]
    for label, centre in enumerate(centres, start=1):
        y, x = centre + rng.integers(-2, 3, 2)
        labels[(rows - y) ** 2 + (columns - x) ** 2 <= radius**2] = label
    return labels


def tree_files() -> dict[str, bytes]:
    """Two scenes of noise with boxes in them, and a licence."""
    rng = np.random.default_rng(0)
    files = {trees.LICENSE: b'the licence'}
    for name, boxes in BOXES.items():
        scene = rng.integers(0, 256, (110, 100, 3), np.uint8)
        files[f'{trees.DATA}/{name}.png'] = encode(scene, 'PNG')
        files[f'{trees.DATA}/{name}.xml'] = voc(boxes)
    return files


def nuclei_files() -> dict[str, bytes]:
    """A micrograph of discs with their labels."""
    labels = discs()
    return {
        nuclei.IMAGE: encode((labels > 0).astype(np.uint16) * 100, 'TIFF'),
        nuclei.LABELS: encode(labels, 'TIFF'),
    }
