"""A contact sheet: some annotated images in one picture."""

from __future__ import annotations

from math import ceil, sqrt
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..annotations.files import spread
from ..atomic import written_whole
from ..drawing.images import to_rgb
from ..drawing.paint import Mask, Shown, colours_of, paint
from .masks import label_map, mask_of
from .sample import Sample, Samples
from .writing import annotated_classes

SIDE = 420  # pixels of an image in the sheet
GAP = 8
CAPTION = 18


def contact_sheet(samples: Samples, path: str | Path, number: int = 16) -> None:
    """Draw some annotated images side by side.

    Args:
        samples: all images. Those shown are from all over them, but each class is
            there if it can be, and images without annotation only if others are few.
        path: PNG file to write.
        number: how many images to show at most. Defaults to 16.
    """
    chosen = choose(samples, number)
    columns = ceil(sqrt(len(chosen)))
    rows = ceil(len(chosen) / columns)
    cell = SIDE + GAP
    size = (columns * cell + GAP, rows * (cell + CAPTION) + GAP)
    sheet = Image.new('RGB', size, 'white')
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for place, index in enumerate(chosen):
        sample = samples.samples[index]
        picture = Image.fromarray(_annotated(samples, sample))
        left = GAP + place % columns * cell
        top = GAP + place // columns * (cell + CAPTION)
        margin = (SIDE - picture.width) // 2, (SIDE - picture.height) // 2
        sheet.paste(picture, (left + margin[0], top + margin[1]))
        split = f' ({sample.split})' if sample.split else ''
        draw.text((left, top + SIDE + 2), f'{_short(sample)}{split}', 'black', font)
    with written_whole(path) as partial:
        sheet.save(partial, format='PNG')


def choose(samples: Samples, number: int) -> list[int]:
    """Choose images to show: each class, then all over the data.

    Args:
        samples: all images.
        number: how many to choose at most.

    Returns:
        Their indices, in order.
    """
    names = [set(annotated_classes(samples, i)) for i in range(len(samples.samples))]
    annotated = [index for index, own in enumerate(names) if own]
    chosen: dict[int, None] = {}
    for name in samples.classes:
        if len(chosen) < number and not any(name in names[i] for i in chosen):
            showing = [index for index in annotated if name in names[index]]
            chosen.update(dict.fromkeys(showing[len(showing) // 2 :][:1]))
    for pool in (annotated, range(len(names))):
        rest = [index for index in pool if index not in chosen]
        chosen.update(dict.fromkeys(spread(rest, max(0, number - len(chosen)))))
        if len(chosen) >= number:
            break
    return sorted([*chosen][:number])


def _short(sample: Sample) -> str:
    name = sample.image.name
    return name if len(name) <= 40 else f'{name[:18]}...{name[-18:]}'


def _annotated(samples: Samples, sample: Sample) -> np.ndarray:
    """Return an image with its annotations, reduced or enlarged to the sheet's size."""
    with Image.open(sample.image) as image:
        turned = ImageOps.exif_transpose(image)
        if turned.mode not in ('RGB', 'L', 'I;16', 'I', 'F'):
            turned = turned.convert('RGB')
        pixels = to_rgb(np.asarray(turned))
    ratio = SIDE / max(sample.size)
    width, height = (max(1, round(side * ratio)) for side in sample.size)
    reduced = np.asarray(Image.fromarray(pixels).resize((width, height)))
    shown = _shown(samples, sample, (width, height), ratio)
    colours = colours_of({'classes': samples.classes})
    return paint(reduced, shown, samples.classes, colours)


def _shown(
    samples: Samples, sample: Sample, size: tuple[int, int], ratio: float
) -> Shown:
    number = {name: i for i, name in enumerate(samples.classes)}
    if sample.label is not None:
        scores = np.zeros(len(samples.classes))
        scores[number[sample.label]] = 1
        return Shown(class_scores=scores, is_truth=True)
    if samples.task == 'semantic':
        labels = Image.fromarray(label_map(samples, sample))
        return Shown(
            label_map=np.asarray(labels.resize(size, Image.Resampling.NEAREST))
        )
    boxes = np.array([each.box for each in sample.objects]).reshape(-1, 4) * ratio
    masks = None
    if samples.task == 'instance':
        masks = [_mask(mask_of(each, sample.size), size) for each in sample.objects]
    return Shown(
        labels=np.array([number[each.label] for each in sample.objects], int),
        scores=np.ones(len(boxes)),
        boxes=boxes,
        masks=masks,
        is_truth=True,
    )


def _mask(pixels: np.ndarray, size: tuple[int, int]) -> Mask:
    reduced = np.asarray(Image.fromarray(pixels).resize(size))
    rows, columns = np.flatnonzero(reduced.any(1)), np.flatnonzero(reduced.any(0))
    if not len(rows):
        return Mask(0, 0, np.zeros((0, 0), bool))
    top, left = int(rows[0]), int(columns[0])
    return Mask(left, top, reduced[top : rows[-1] + 1, left : columns[-1] + 1])
