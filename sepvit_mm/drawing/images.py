"""Read an image as its dataset does, in colours that can be shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Transform = Callable[[dict], Any]


def read_image(
    record: Mapping[str, Any], transforms: Sequence[Transform] = ()
) -> NDArray[np.uint8]:
    """Load an image with the first transforms of its pipeline, else with mmcv.

    The pipeline comes first because only it knows the format, the bands, and whether
    to turn the image as its EXIF data says; the predictions are for what it loads.

    Args:
        record: what the dataset knows about the image, such as ``img_path``.
        transforms: those of the pipeline; they are called until there is an ``img``.
            Defaults to none of them.

    Returns:
        The image of shape H, W, 3 in RGB.

    Raises:
        Exception: neither the pipeline nor mmcv can load the image.
    """
    try:
        image, is_bgr = _load(dict(record), transforms)
    except Exception:  # of any kind: the transforms are the user's
        if 'img_path' not in record:
            raise
        image, is_bgr = _load_with_mmcv(record['img_path']), True
    return to_rgb(image, is_bgr=is_bgr)


def _load(record: dict, transforms: Sequence[Transform]) -> tuple[NDArray, bool]:
    """Return the image that the pipeline loads, and whether it is BGR."""
    for transform in transforms:
        record = transform(record)
        if 'img' in record:
            # mmcv's other decoders give BGR, and the libraries keep to that order
            backend = getattr(transform, 'imdecode_backend', 'cv2')
            return np.asarray(record['img']), backend != 'tifffile'
    raise LookupError('no transform loads an image')


def _load_with_mmcv(path: str) -> NDArray:
    import mmcv  # not needed to import this package

    image = mmcv.imread(path)
    if image is None:
        raise ValueError('mmcv cannot decode it')
    return image


def to_rgb(image: NDArray, *, is_bgr: bool = False) -> NDArray[np.uint8]:
    """Show an array of numbers as a photograph.

    Args:
        image: shape H, W or H, W, C with any number of bands, of which the first three
            are shown, or the first if there are fewer. Whole numbers within 0..255
            keep their values, whatever their type; the range of others is stretched
            to 0..255. What is not finite becomes 0.
        is_bgr: whether an image of three or four bands begins with blue. Defaults to
            False: with red.

    Returns:
        The image of shape H, W, 3 in RGB.

    Raises:
        ValueError: the array has another number of dimensions, or no pixels.
    """
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(
            f'an array of shape {image.shape} is no image; it must be H, W or H, W, C'
        )
    bands = image[..., None] if image.ndim == 2 else image
    count = bands.shape[2]
    bands = bands[..., :3] if count >= 3 else np.repeat(bands[..., :1], 3, axis=2)
    if is_bgr and count in (3, 4):
        bands = bands[..., ::-1]
    return np.ascontiguousarray(_to_8_bits(bands))


def _to_8_bits(values: NDArray) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    finite = np.isfinite(values)
    numbers = np.where(finite, values, 0).astype(np.float64)
    known = numbers[finite]
    low, high = (known.min(), known.max()) if known.size else (0, 0)
    if low >= 0 and 1 < high <= 255 and np.all(numbers % 1 == 0):
        return numbers.astype(np.uint8)
    scale = 255 / (high - low) if high > low else 0
    return np.where(finite, (numbers - low) * scale, 0).round().astype(np.uint8)


def source_of(
    dataset: Any, index: int | None, path: str | list[str] | None
) -> tuple[dict[str, Any], Sequence[Transform]]:
    """Return what a dataset knows about an image, and the transforms it goes through.

    Args:
        dataset: one of mmengine, or a wrapper around some.
        index: of the image in the dataset, None if unknown.
        path: path of the image, None if it has none. If the dataset has another image
            at ``index``, the path is all that is known.

    Returns:
        The arguments of :func:`read_image`.
    """
    record = {}
    if index is not None and hasattr(dataset, 'get_data_info'):
        record = dataset.get_data_info(index)
    if path is not None and record.get('img_path') != path:
        record = {'img_path': path}
    return record, _transforms_of(dataset, index or 0)


def _transforms_of(dataset: Any, index: int) -> Sequence[Transform]:
    if hasattr(dataset, 'cumulative_sizes'):  # several datasets, one after the other
        part = bisect_right(dataset.cumulative_sizes, index)
        begin = dataset.cumulative_sizes[part - 1] if part else 0
        return _transforms_of(dataset.datasets[part], index - begin)
    if hasattr(dataset, 'dataset'):  # a wrapper around one
        return _transforms_of(dataset.dataset, index)
    return getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
