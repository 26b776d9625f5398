"""Draw some annotated images in one picture, to look at before training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..annotations.files import spread
from ..atomic import written_whole
from ..drawing.colours import colour
from .sample import Sample, Samples
from .write import IGNORED, label_map, mask_of

CELL, GAP, COLUMNS = 480, 8, 4


def contact_sheet(samples: Samples, path: str | Path, number: int = 16) -> None:
    """Draw annotated images, four in a row, those with annotations first.

    Args:
        samples: all images.
        path: the picture to write, as PNG.
        number: how many images. Defaults to 16.
    """
    told = [s for s in samples.samples if s.objects or s.mask or s.label]
    shown = spread(told or samples.samples, number)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    step = CELL + GAP
    sheet = Image.new('RGB', (columns * step + GAP, rows * step + GAP), 'white')
    for index, sample in enumerate(shown):
        cell = _drawn(samples, sample)
        x = GAP + index % columns * step + (CELL - cell.width) // 2
        y = GAP + index // columns * step + (CELL - cell.height) // 2
        sheet.paste(cell, (x, y))
    with written_whole(path) as partial:
        sheet.save(partial, 'PNG')


def _drawn(samples: Samples, sample: Sample) -> Image.Image:
    """Return an image of at most a cell's size with its annotations."""
    with Image.open(sample.image) as opened:
        image = ImageOps.exif_transpose(opened).convert('RGB')
    scale = CELL / max(image.size)
    small = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(small)
    number = {name: i for i, name in enumerate(samples.classes)}
    labels = np.full(sample.size[::-1], IGNORED, np.uint8)
    if samples.task == 'semantic':
        labels = label_map(samples, sample)
    else:
        for each in sample.objects:
            if each.polygons or each.rle:
                labels[mask_of(each, sample.size)] = number[each.label] % IGNORED
    image = _tinted(image, labels)
    draw = ImageDraw.Draw(image)
    names = sorted({each.label for each in sample.objects})
    if samples.task == 'semantic':
        names = [samples.classes[n] for n in np.unique(labels) if n < len(number)]
    else:
        for each in sample.objects:
            box = [value * scale for value in each.box]
            draw.rectangle(box, outline=colour(number[each.label]), width=2)
    _legend(draw, [sample.label] if sample.label else names, number)
    return image


def _tinted(image: Image.Image, labels: np.ndarray) -> Image.Image:
    """Lay the colours of classes over an image."""
    palette = np.array([colour(i) for i in range(256)], np.uint8)
    small = Image.fromarray(labels).resize(image.size, Image.Resampling.NEAREST)
    numbers = np.asarray(small)
    pixels = np.asarray(image)
    mixed = (pixels * 0.55 + palette[numbers] * 0.45).astype(np.uint8)
    return Image.fromarray(np.where((numbers != IGNORED)[..., None], mixed, pixels))


def _legend(draw: ImageDraw.ImageDraw, names: list[str], number: dict) -> None:
    font = ImageFont.load_default(16)
    y = 4.0
    for name in names[:8]:
        _, top, right, bottom = draw.textbbox((24, y), name, font)
        draw.rectangle((4, top - 3, right + 4, bottom + 3), fill='white')
        draw.rectangle((7, top, 19, bottom), fill=colour(number[name]))
        draw.text((24, y), name, 'black', font)
        y += bottom - top + 9
