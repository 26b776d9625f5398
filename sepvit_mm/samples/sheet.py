"""A contact sheet: some annotated images in one picture."""

from __future__ import annotations

from math import ceil, sqrt
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..annotations.files import spread
from ..atomic import written_whole
from ..drawing.colours import colours_of
from ..drawing.images import to_rgb
from ..drawing.paint import paint
from ..drawing.samples import Shown, cut
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
    chosen = [samples.samples[index] for index in choose(samples, number)]
    pictures = [Image.fromarray(_annotated(samples, sample)) for sample in chosen]
    columns = ceil(sqrt(len(chosen)))
    rows = [
        range(i, min(i + columns, len(chosen))) for i in range(0, len(chosen), columns)
    ]
    heights = [max(pictures[i].height for i in row) + CAPTION + GAP for row in rows]
    size = (columns * (SIDE + GAP) + GAP, sum(heights) + GAP)
    sheet = Image.new('RGB', size, 'white')
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    top = GAP
    for row, height in zip(rows, heights):
        for column, index in enumerate(row):
            left = GAP + column * (SIDE + GAP)
            sheet.paste(pictures[index], (left, top))
            sample = chosen[index]
            split = f' ({sample.split})' if sample.split else ''
            below = top + pictures[index].height + 2
            draw.text((left, below), f'{_short(sample)}{split}', 'black', font)
        top += height
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
        whole = (Image.fromarray(mask_of(o, sample.size)) for o in sample.objects)
        masks = [cut(np.asarray(mask.resize(size))) for mask in whole]
    return Shown(
        labels=np.array([number[each.label] for each in sample.objects], int),
        scores=np.ones(len(boxes)),
        boxes=boxes,
        masks=masks,
        is_truth=True,
    )
