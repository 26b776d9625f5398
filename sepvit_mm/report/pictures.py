"""Pictures of truth beside prediction, small enough for a page."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..drawing.colours import colours_of
from ..drawing.images import read_image
from .held_out import HeldOut, Task

SIDE = 340
GAP = 6


def pair(seen: HeldOut, index: int, task: Task, threshold: float = 0.0) -> bytes:
    """Draw an image twice: with the truth, and with what was predicted.

    This is the only place where a report draws on images.

    Args:
        seen: truth and predictions.
        index: of the image.
        task: what was predicted. A classifier's image is shown once.
        threshold: least score of a detection that is drawn. Defaults to 0.

    Returns:
        The content of a JPEG file.

    Raises:
        Exception: the image cannot be read.
    """
    image = Image.fromarray(read_image({'img_path': seen.paths[index]}))
    scale = min(1.0, SIDE / max(image.size))
    if task == 'classification' and max(image.size) < 128:
        scale = 128 / max(image.size)
    small = image.resize([max(1, round(side * scale)) for side in image.size])
    colours = colours_of({'classes': seen.classes})
    if task == 'classification':
        return _jpeg([small])
    truth, found = seen.truth[index], seen.found[index]
    if task == 'semantic':
        return _jpeg([_overlay(small, labels, colours) for labels in (truth, found)])
    found = [entry for entry in found if entry['score'] >= threshold]
    return _jpeg(
        [_objects(small, each, scale, colours, seen.classes) for each in (truth, found)]
    )


def _jpeg(images: Sequence[Image.Image]) -> bytes:
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    canvas = Image.new('RGB', (width, images[0].height), (128, 128, 128))
    left = 0
    for image in images:
        canvas.paste(image, (left, 0))
        left += image.width + GAP
    stream = BytesIO()
    canvas.save(stream, 'JPEG', quality=75)
    return stream.getvalue()


def _overlay(image: Image.Image, labels: NDArray, colours: list) -> Image.Image:
    known = labels < len(colours)
    table = np.asarray(colours, np.uint8)
    painted = table[np.where(known, labels, 0)]
    painted[~known] = 0
    size = image.size
    layer = Image.fromarray(painted).resize(size, Image.Resampling.NEAREST)
    return Image.blend(image, layer, 0.5)


def _objects(
    image: Image.Image,
    entries: Sequence[dict[str, Any]],
    scale: float,
    colours: list,
    classes: Sequence[str],
) -> Image.Image:
    image = image.copy()
    for entry in entries:
        if 'segmentation' in entry:
            from pycocotools import mask as coco

            pixels = Image.fromarray(coco.decode(entry['segmentation']) * 110)
            colour = colours[entry['category_id'] - 1]
            image.paste(colour, mask=pixels.resize(image.size))
    draw = ImageDraw.Draw(image)
    for entry in entries:
        label = entry['category_id'] - 1
        left, top, width, height = (side * scale for side in entry['bbox'])
        right, bottom = max(left + width, left + 1), max(top + height, top + 1)
        box = [left, top, right, bottom]
        draw.rectangle(box, outline=colours[label], width=2)
        parts = [classes[label]] if len(classes) > 1 else []
        parts += [f'{entry["score"]:.2f}'] if 'score' in entry else []
        parts += ['crowd'] if entry.get('iscrowd') else []
        if parts:
            text = ' '.join(parts)
            spot = (left, max(top - 11, 0))
            draw.rectangle(draw.textbbox(spot, text), fill=(0, 0, 0))
            draw.text(spot, text, fill=colours[label])
    return image
