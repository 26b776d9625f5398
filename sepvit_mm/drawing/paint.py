"""Paint boxes, masks, label maps and classes so that people see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .colours import Colour
from .samples import Mask, Shown

READABLE = 120
"""Least side in pixels of a picture with names of classes."""
ROWS = 12
"""Classes in a legend; of more, the most frequent ones are named."""


def paint(
    image: NDArray[np.uint8],
    shown: Shown,
    classes: Sequence[str],
    colours: Sequence[Colour],
    *,
    threshold: float = 0.3,
) -> NDArray[np.uint8]:
    """Paint what is known of an image over it.

    Args:
        image: shape H, W, 3 in RGB; left unchanged.
        shown: what to paint.
        classes: names of the classes.
        colours: of the classes.
        threshold: least score of an object to paint. Defaults to 0.3.

    Returns:
        The picture, of the same shape; of a whole image's classes, a small image is
        enlarged, so that their names have a place.
    """
    painted = image.copy()
    if shown.class_scores is not None:
        times = -(-READABLE // min(image.shape[:2]))
        painted = image.repeat(times, axis=0).repeat(times, axis=1)
    kept = np.flatnonzero(shown.scores >= threshold)
    if shown.label_map is not None:
        _paint_map(painted, shown.label_map, colours)
    for index in kept if shown.masks is not None else ():
        assert shown.masks is not None
        _paint_mask(painted, shown.masks[index], colours[shown.labels[index]])
    canvas = Image.fromarray(painted)
    draw = ImageDraw.Draw(canvas)
    font = _font(*canvas.size)
    _paint_objects(draw, canvas.size, font, shown, kept, classes, colours)
    rows = _legend_of(shown, kept, classes, colours)
    _paint_legend(draw, canvas.size, font, rows)
    return np.asarray(canvas)


def beside(
    image: NDArray[np.uint8],
    panels: Mapping[str, Shown | None],
    classes: Sequence[str],
    colours: Sequence[Colour],
    *,
    threshold: float = 0.3,
) -> NDArray[np.uint8]:
    """Paint what different sources know of one image, side by side.

    Args:
        image: shape H, W, 3 in RGB; left unchanged.
        panels: what to paint, by caption; one that is None is left out.
        classes: names of the classes.
        colours: of the classes.
        threshold: least score of an object to paint. Defaults to 0.3.

    Returns:
        The picture, with the captions above.
    """
    painted = {
        caption: paint(image, shown, classes, colours, threshold=threshold)
        for caption, shown in panels.items()
        if shown is not None
    }
    height, width = next(iter(painted.values()), image).shape[:2]
    font = _font(width, height)
    bottom = font.size + 6
    canvas = Image.new('RGB', (width * len(painted), bottom + height), 'white')
    draw = ImageDraw.Draw(canvas)
    for index, (caption, picture) in enumerate(painted.items()):
        canvas.paste(Image.fromarray(picture), (index * width, bottom))
        draw.text((index * width + 4, 1), caption, fill='black', font=font)
    return np.asarray(canvas)


def _legend_of(
    shown: Shown, kept: NDArray, classes: Sequence[str], colours: Sequence[Colour]
) -> list[tuple[str, Colour]]:
    """Say which classes there are, the most important first."""
    if shown.class_scores is not None:
        scores = shown.class_scores
        order = np.argsort(-scores, kind='stable')[:5]
        if shown.is_truth:
            return [(_name(classes, i), colours[i]) for i in order if scores[i] > 0]
        return [(f'{_name(classes, i)} {scores[i]:.2f}', colours[i]) for i in order]
    if shown.label_map is not None:
        values, counts = np.unique(shown.label_map, return_counts=True)
        texts = [f' {share:.0%}' for share in counts / counts.sum()]
    else:
        values, counts = np.unique(shown.labels[kept], return_counts=True)
        texts = [f': {count}' for count in counts]
    return [
        (_name(classes, values[i]) + texts[i], colours[values[i]])
        for i in np.argsort(-counts, kind='stable')
        if 0 <= values[i] < len(colours)
    ]


def _name(classes: Sequence[str], index: int) -> str:
    return classes[index] if index < len(classes) else str(index)


@lru_cache
def _font(width: int, height: int) -> Any:
    return ImageFont.load_default(max(10, round(min(width, height) / 45)))


def _paint_map(image: NDArray, labels: NDArray, colours: Sequence[Colour]) -> None:
    table = np.array([*colours, (0, 0, 0)], np.float32)
    for top in range(0, len(image), 256):  # some rows at a time, to save memory
        rows, here = image[top : top + 256], labels[top : top + 256]
        known = (here >= 0) & (here < len(colours))
        blend = 0.5 * rows + 0.5 * table[np.where(known, here, -1)]
        rows[known] = blend[known]
        border = np.zeros_like(known)
        border[:, 1:] |= here[:, 1:] != here[:, :-1]
        border[1:] |= here[1:] != here[:-1]
        rows[border] = 255


def _paint_mask(image: NDArray, mask: Mask, colour: Colour) -> None:
    height, width = mask.pixels.shape
    part = image[mask.top : mask.top + height, mask.left : mask.left + width]
    pixels = mask.pixels[: part.shape[0], : part.shape[1]]
    inside = np.pad(pixels, 1)
    core = inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    part[pixels] = 0.55 * part[pixels] + 0.45 * np.array(colour)
    part[pixels & ~core] = colour


def _paint_objects(
    draw: Any,
    size: tuple[int, int],
    font: Any,
    shown: Shown,
    kept: NDArray,
    classes: Sequence[str],
    colours: Sequence[Colour],
) -> None:
    line = max(1, round(min(size) / 220))
    if shown.masks is not None:
        line = max(1, line // 2)  # the outline says where it is
    for index in kept[::-1]:
        left, top, right, bottom = shown.boxes[index].tolist()
        corners = (left, top, max(left, right), max(top, bottom))
        side = min(right - left, bottom - top)
        thin = max(1, min(line, round(side / 8)))  # leaves small objects visible
        draw.rectangle(corners, outline=colours[shown.labels[index]], width=thin)
    taken: list[tuple[float, ...]] = []
    several = len(set(shown.labels[kept].tolist())) > 1
    for index in kept[np.argsort(-shown.scores[kept], kind='stable')]:
        label = shown.labels[index]
        text = f'{shown.scores[index]:.2f}'
        if shown.is_truth:
            text = _name(classes, label)
        elif several:
            text = f'{_name(classes, label)} {text}'
        _, _, width, height = draw.textbbox((0, 0), text, font=font)
        for box in _places(shown.boxes[index], width + 4, height + 4, size):
            if not any(_overlap(box, other) for other in taken):
                taken.append(box)
                _paint_text(draw, box, text, font, colours[label])
                break  # a text without a place is left out: the colour says the class


def _places(
    box: NDArray, width: float, height: float, size: tuple[int, int]
) -> Iterator[tuple[float, ...]]:
    """Yield places for a text: above, below and in a box, within the image."""
    left, top, right, bottom = box.tolist()
    if right - left < width / 3:  # a text much wider than its box hides its neighbours
        return
    for x, y in ((left, top - height), (left, bottom), (left, top)):
        if 0 <= y and y + height <= size[1] and width <= size[0]:
            x = min(max(0, x), size[0] - width)
            yield x, y, x + width, y + height


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def _paint_text(
    draw: Any, box: Sequence[float], text: str, font: Any, colour: Colour
) -> None:
    draw.rectangle(tuple(box), fill=colour)
    light = np.dot(colour, (0.299, 0.587, 0.114)) > 110
    draw.text(
        (box[0] + 2, box[1] + 1), text, fill='black' if light else 'white', font=font
    )


def _paint_legend(
    draw: Any, size: tuple[int, int], font: Any, rows: list[tuple[str, Colour]]
) -> None:
    """Write classes beside their colours into the corner at the bottom right."""
    if len(rows) > ROWS:
        rows = [*rows[: ROWS - 1], (f'and {len(rows) - ROWS + 1} more', (128,) * 3)]
    boxes = [draw.textbbox((0, 0), text, font=font) for text, _ in rows]
    step = max((box[3] for box in boxes), default=0) + 4
    fit = max(1, (size[1] - 8) // max(1, step))
    rows, boxes = rows[:fit], boxes[:fit]
    if not rows:
        return
    width = max(box[2] for box in boxes) + step + 8
    left, top = size[0] - width - 2, size[1] - step * len(rows) - 6
    draw.rectangle((left, top, size[0] - 3, size[1] - 3), fill=(255, 255, 255))
    for index, (text, colour) in enumerate(rows):
        y = top + 2 + index * step
        square = (left + 4, y + 2, left + step - 2, y + step - 4)
        draw.rectangle(square, fill=colour, outline='black')
        draw.text((left + step + 3, y), text, fill='black', font=font)
