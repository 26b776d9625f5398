"""Write annotations as COCO json and index PNGs; the images stay where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..atomic import written_whole
from ..drawing.colours import colour
from .sample import Object, Sample, Samples

IGNORED = 255


def write_coco(samples: Samples, indices: Sequence[int], path: str | Path) -> None:
    """Write images as a COCO file, whole or not at all.

    Args:
        samples: all of them.
        indices: which to write.
        path: the file. Images are named by absolute path.
    """
    number = {name: i for i, name in enumerate(samples.classes, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for own, index in enumerate(indices, start=1):
        sample = samples.samples[index]
        width, height = sample.size
        name = str(sample.image.absolute())
        images.append(dict(id=own, file_name=name, width=width, height=height))
        for each in sample.objects:
            entry = dict(id=len(annotations) + 1, image_id=own)
            annotations.append({**entry, **_annotation(each, sample.size, number)})
    categories = [dict(id=own, name=name) for name, own in number.items()]
    content = dict(images=images, annotations=annotations, categories=categories)
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content), encoding='utf-8')


def _annotation(
    each: Object, size: tuple[int, int], number: dict[str, int]
) -> dict[str, Any]:
    left, top, right, bottom = each.box
    entry = dict(
        category_id=number[each.label],
        bbox=[left, top, right - left, bottom - top],
        area=_area(each, size),
        iscrowd=int(each.crowd),
    )
    outline = each.rle or [list(polygon) for polygon in each.polygons]
    return {**entry, 'segmentation': outline} if outline else entry


def _area(each: Object, size: tuple[int, int]) -> float:
    """Return the area of an object's mask, or of its box."""
    if each.polygons or each.rle:
        area = float(mask_of(each, size).sum())
        if area:
            return area
    left, top, right, bottom = each.box
    return (right - left) * (bottom - top)


def mask_of(each: Object, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return an object's mask of shape H, W, by pycocotools.

    Args:
        each: the object; without an outline, its box is filled.
        size: width and height of the image.
    """
    from pycocotools import mask as masks

    width, height = size
    left, top, right, bottom = each.box
    corners = [left, top, right, top, right, bottom, left, bottom]
    if each.rle is None:
        polygons = [list(polygon) for polygon in each.polygons] or [corners]
        rle = masks.merge(masks.frPyObjects(polygons, height, width))
    elif isinstance(each.rle['counts'], list):
        rle = masks.frPyObjects(each.rle, height, width)
    else:
        rle = each.rle
    return masks.decode(rle).astype(bool)


def label_map(samples: Samples, sample: Sample) -> NDArray[np.uint8]:
    """Return the numbers of classes by pixel, 255 for what is ignored.

    Args:
        samples: all of them, for values and classes.
        sample: one of them, with a mask or with objects. Objects are drawn from the
            largest to the smallest over class 0, the background.
    """
    if sample.mask is not None:
        with Image.open(sample.mask) as opened:
            values = codes_of(opened)
        labels = np.full(values.shape, IGNORED, np.uint8)
        for value, number in samples.values.items():
            labels[values == value] = number
        return labels
    labels = np.zeros(sample.size[::-1], np.uint8)
    found = [(mask_of(each, sample.size), each) for each in sample.objects]
    for mask, each in sorted(found, key=lambda pair: -pair[0].sum()):
        labels[mask] = IGNORED if each.crowd else samples.classes.index(each.label)
    return labels


def codes_of(mask: Image.Image) -> NDArray[np.int64]:
    """Return a number for each pixel: its value, or red, green and blue in one."""
    if mask.mode in ('P', 'L', '1', 'I', 'I;16'):
        return np.asarray(mask).astype(np.int64)
    bands = np.asarray(mask.convert('RGB')).astype(np.int64)
    return (bands[..., 0] << 16) + (bands[..., 1] << 8) + bands[..., 2]


def write_masks(samples: Samples, indices: Sequence[int], folder: str | Path) -> None:
    """Write label maps as PNG with a palette, each whole or not at all.

    Args:
        samples: all of them.
        indices: which to write.
        folder: where to; below it, paths are those of the images below the deepest
            folder that all images are in, with '.png' appended.
    """
    parents = {str(sample.image.absolute().parent) for sample in samples.samples}
    root = Path(os.path.commonpath(parents))
    palette = [c for i in range(256) for c in colour(i)]
    for index in indices:
        sample = samples.samples[index]
        name = sample.image.absolute().relative_to(root)
        image = Image.fromarray(label_map(samples, sample)).convert('P')
        image.putpalette(palette)
        with written_whole(Path(folder) / f'{name}.png') as partial:
            image.save(partial, 'PNG')
