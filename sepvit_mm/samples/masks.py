"""Label maps as numbers of classes, from masks or from outlines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .sample import Object, Sample, Samples

IGNORED = 255

Colours = Mapping[tuple[int, int, int], int]


def label_map(samples: Samples, sample: Sample) -> NDArray[np.uint8]:
    """Return the number of each pixel's class.

    Args:
        samples: all images, for their classes.
        sample: one of them, with a mask or with objects. Objects are drawn in their
            order over the class of number 0, after crowds, which are ignored.

    Returns:
        Shape H, W; 255 where there is no class.
    """
    if sample.mask is not None:
        values = read_values(sample.mask, samples.colours)
        return _numbers(values, samples.values)
    width, height = sample.size
    numbers = np.zeros((height, width), np.uint8)
    for each in sorted(sample.objects, key=lambda each: not each.crowd):
        number = IGNORED if each.crowd else samples.classes.index(each.label)
        numbers[mask_of(each, sample.size)] = number
    return numbers


def read_values(path: Path, colours: Colours | None = None) -> NDArray:
    """Read the values of a mask.

    Args:
        path: the file.
        colours: value by colour of masks in colours. Defaults to none.

    Returns:
        Shape H, W; -1 for a colour without a value.
    """
    with Image.open(path) as image:
        if not colours:
            # of a mask with several equal channels, the first one
            pixels = np.asarray(image)
            return pixels if pixels.ndim == 2 else pixels[..., 0]
        pixels = np.asarray(image.convert('RGB')).astype(np.int64)
    codes = (pixels[..., 0] << 16) + (pixels[..., 1] << 8) + pixels[..., 2]
    values = np.full(codes.shape, -1, np.int64)
    for (red, green, blue), value in colours.items():
        values[codes == (red << 16) + (green << 8) + blue] = value
    return values


def _numbers(values: NDArray, number: Mapping[int, int]) -> NDArray[np.uint8]:
    numbers = np.full(values.shape, IGNORED, np.uint8)
    for value in np.unique(values).tolist():
        if value in number:
            numbers[values == value] = number[value]
    return numbers


def mask_of(each: Object, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels of an object; those of its box if it has no outline.

    Args:
        each: the object.
        size: width and height of the image.

    Returns:
        Shape H, W.
    """
    from pycocotools import mask as coco  # only masks need it

    width, height = size
    rle = each.rle
    if rle is None:
        left, top, right, bottom = each.box
        box = (left, top, right, top, right, bottom, left, bottom)
        polygons = [list(polygon) for polygon in each.polygons or (box,)]
        rle = coco.merge(coco.frPyObjects(polygons, height, width))
    elif isinstance(rle['counts'], list):
        rle = coco.frPyObjects(dict(rle), height, width)
    pixels: NDArray[np.bool_] = coco.decode(dict(rle)).astype(bool)
    return pixels
