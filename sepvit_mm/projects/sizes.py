"""Choose the sizes at which images are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..samples.sample import Samples
from .backbones import LAST_STRIDE, Backbone
from .machine import Device, Machine

Floats = NDArray[np.float64]

SMALL = 16  # pixels that small objects should have: twice the detectors' first stride
ENOUGH: dict[Device, int] = {'cpu': 16, 'gpu': 32}  # and more than this costs time
LARGE = 0.75  # part of a crop that large objects may fill
MOST = 2.0  # enlarging further shows nothing new
# Sides in pixels: of a crop in training, and of a whole image in tests. A crop is one
# that the backbone's windows fill, since padding costs as much time as pixels do.
CROP: dict[Device, int] = {'cpu': 320, 'gpu': 640}
LEAST_CROP: dict[Device, int] = {'cpu': 224, 'gpu': 320}
IN_CROP = 3  # large objects that fit into a crop side by side: more only cost time
CROPS_ACROSS = (
    2  # images are not reduced below so many of the least crops, to save time
)
WHOLE: dict[Device, int] = {'cpu': 1024, 'gpu': 1344}
SEMANTIC_CROP: dict[Device, int] = {'cpu': 256, 'gpu': 512}
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


def choose_input(
    samples: Samples, indices: tuple[int, ...], backbone: Backbone, machine: Machine
) -> Input:
    """Choose the input's size from the sizes of images and objects.

    Args:
        samples: all images.
        indices: those to train on.
        backbone: its windows should fill a crop.
        machine: sets how large images and crops may be.

    Raises:
        InputError: there is no object to learn.
    """
    sizes = np.array([samples.samples[index].size for index in indices], float)
    if samples.task == 'classification':
        return _of_classifier(sizes)
    if samples.task == 'semantic':
        return _of_segmentor(sizes, backbone, machine)
    boxes, image_sizes = object_boxes(samples, indices)
    if not len(boxes):
        raise InputError('no training image has an object to learn')
    longest = float(np.median(sizes.max(axis=1)))
    # relative to its image, as if all images had the median size
    lengths = box_lengths(boxes) * longest / image_sizes.max(axis=1)
    small, large = np.quantile(lengths, [0.1, 0.9])
    return _of_detector(longest, float(small), float(large), backbone, machine)


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


def _of_detector(
    longest: float, small: float, large: float, backbone: Backbone, machine: Machine
) -> Input:
    """Choose sizes by the images' long side and the objects' lengths, in pixels."""
    device = machine.device
    least = _filled(LEAST_CROP[device] + backbone.filled - 1, backbone)
    most = _filled(CROP[device], backbone)
    shortest = CROPS_ACROSS * LEAST_CROP[device] / longest
    factor, why = _factor(small, large, most, shortest, device)
    if longest * factor > WHOLE[device]:
        # for objects that would all but vanish, up to twice as much
        visible = longest * min(factor, SMALL / 2 / small)
        factor = np.clip(visible, WHOLE[device], 2 * WHOLE[device]) / longest
        why = f'longer images are too slow for {machine}'
    side = _multiple(longest * factor)
    small, large = small * side / longest, large * side / longest
    crop = np.clip(_filled(IN_CROP * large, backbone), least, most)
    return Input(
        side,
        _within(side, int(crop), backbone),
        f'{why}; 80 % of the objects are then {small:.0f} to {large:.0f} pixels large',
    )


def _factor(
    small: float, large: float, crop: int, shortest: float, device: Device
) -> tuple[float, str]:
    """Choose how much images are enlarged for their objects, and say why."""
    least, most = SMALL / small, LARGE * crop / large
    if least > most:
        factor = min((least * most) ** 0.5, MOST)
        return factor, 'a compromise between small and large objects'
    if least > 1:
        return min(least, MOST), 'images are enlarged for their small objects'
    if most < 1:
        return (
            most,
            f'images are reduced so that objects fit into {crop} pixels',
        )
    reduced = max(ENOUGH[device] / small, shortest)
    if reduced < 1:
        return reduced, 'images are reduced to save time'
    return 1.0, 'images keep their size'


def _of_segmentor(sizes: Floats, backbone: Backbone, machine: Machine) -> Input:
    longest = float(np.median(sizes.max(axis=1)))
    crop = _filled(SEMANTIC_CROP[machine.device], backbone)
    side = _multiple(min(longest * MOST, 2 * crop))
    reason = f'images are {longest:.0f} pixels long (median)'
    if longest > 2 * crop:
        reason += f', and more than {2 * crop} are too slow for {machine}'
    elif longest < side:
        reason += ', enlarged because a label is predicted for 4x4 pixels'
    return Input(side, _within(side, crop, backbone), reason)


def _of_classifier(sizes: Floats) -> Input:
    shortest = float(np.median(sizes.min(axis=1)))
    side = min(CLASSIFIED, _multiple(shortest))
    return Input(
        side, side, f'the shorter side of images is {shortest:.0f} pixels (median)'
    )


def _within(side: int, crop: int, backbone: Backbone) -> int:
    """Return the largest crop of an image that windows fill; of a small one, all."""
    return side if side < backbone.filled else min(crop, _filled(side, backbone))


def _filled(pixels: float, backbone: Backbone) -> int:
    """Return the most pixels up to this that windows fill on every map."""
    return max(1, int(pixels // backbone.filled)) * backbone.filled


def _multiple(pixels: float) -> int:
    return max(2, round(pixels / LAST_STRIDE)) * LAST_STRIDE
