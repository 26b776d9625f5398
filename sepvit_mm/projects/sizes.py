"""Choose the sizes at which images are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..samples.sample import Samples
from .machine import Machine

Floats = NDArray[np.float64]

STRIDE = 32  # of the last map: sizes are multiples of it
SMALL = 16  # pixels that small objects should have: four strides of the first map
ENOUGH = {'cpu': 24, 'gpu': 32}  # and more than this costs time
LARGE = 0.75  # part of a crop that large objects may fill
MOST = 2.0  # enlarging further shows nothing new
# Sides in pixels: of a crop in training, and of a whole image in tests.
CROP = {'cpu': 320, 'gpu': 640}
WHOLE = {'cpu': 1024, 'gpu': 1344}
SEMANTIC_CROP = {'cpu': 256, 'gpu': 512}
CLASSIFIED = 224


@dataclass(frozen=True)
class Input:
    """Sizes in pixels.

    Attributes:
        side: long side of an image in tests; in classification, both sides.
        crop: side of the square that is cut out in training.
        reason: why, in words.
    """

    side: int
    crop: int
    reason: str


def choose_input(samples: Samples, indices: tuple[int, ...], machine: Machine) -> Input:
    """Choose the input's size from the sizes of images and objects.

    Args:
        samples: all images.
        indices: those to train on.
        machine: sets how large images and crops may be.

    Raises:
        InputError: there is no object to learn.
    """
    sizes = np.array([samples.samples[index].size for index in indices], float)
    device = 'gpu' if machine.gpu else 'cpu'
    longest = float(np.median(sizes.max(axis=1)))
    if samples.task == 'classification':
        return _classified(float(np.median(sizes.min(axis=1))))
    if samples.task == 'semantic':
        most = 2 * SEMANTIC_CROP[device]
        side = _multiple(min(longest, most))
        crop = min(SEMANTIC_CROP[device], side)
        reason = f'images are {longest:.0f} pixels long (median)'
        if longest > most:
            reason += f', more than {most} are too slow for {machine}'
        return Input(side, crop, reason)
    boxes, image_sizes = object_boxes(samples, indices)
    if not len(boxes):
        raise InputError('no training image has an object to learn')
    # of an object, relative to its image, as if all images were of median size
    lengths = box_lengths(boxes) * longest / image_sizes.max(axis=1)
    small, large = np.quantile(lengths, [0.1, 0.9])
    most = WHOLE[device]
    factor, why = _factor(small, large, device)
    if longest * factor > most:
        factor, why = most / longest, f'longer images are too slow for {machine}'
    side = _multiple(longest * factor)
    factor = side / longest
    reason = (
        f'{why}; objects are then {small * factor:.0f} to {large * factor:.0f} pixels '
        'large (80 % of them)'
    )
    return Input(side, min(CROP[device], side), reason)


def object_boxes(samples: Samples, indices: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return the boxes of all objects, and the width and height of their images.

    Crowds are left out, since nothing is trained on them.
    """
    rows = [
        (*each.box, *samples.samples[index].size)
        for index in indices
        for each in samples.samples[index].objects
        if not each.crowd
    ]
    table = np.array(rows, float).reshape(-1, 6)
    return table[:, :4], table[:, 4:]


def box_lengths(boxes: Floats) -> Floats:
    """Return the side of a square as large as each box."""
    lengths: Floats = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    return lengths


def _factor(small: float, large: float, device: str) -> tuple[float, str]:
    """Choose how much images are enlarged, and say why."""
    least, most = SMALL / small, LARGE * CROP[device] / large
    if least > most:
        factor = min((least * most) ** 0.5, MOST)
        return factor, 'a compromise between small and large objects'
    if least > 1:
        return min(least, MOST), 'images are enlarged for their small objects'
    if most < 1:
        return (
            most,
            f'images are reduced so that objects fit into {CROP[device]} pixels',
        )
    enough = ENOUGH[device] / small
    if enough < 1:
        return enough, 'images are reduced to save time'
    return 1.0, 'images keep their size'


def _classified(shortest: float) -> Input:
    side = min(CLASSIFIED, _multiple(shortest))
    return Input(side, side, f'images are {shortest:.0f} pixels wide or high (median)')


def _multiple(pixels: float) -> int:
    return max(2 * STRIDE, round(pixels / STRIDE) * STRIDE)
