"""Read an object's outline as COCO files have it: polygons or run lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..annotations import Kind
from .record import left_out
from .sample import Box, Polygon

FLAT_LIST = Kind(
    'segmentation is one list of numbers, not a list of polygons',
    'noted',
    'taken as one polygon',
    'object',
)
NOT_NUMBERS = left_out(
    'polygon with a value that is no number', 'object', 'the polygon is left out'
)
ODD = left_out(
    'polygon with an odd number of values', 'object', 'the polygon is left out'
)
STRANGE = left_out(
    'segmentation neither polygons nor RLE', 'object', 'only the box is used'
)
BAD_RLE = left_out(
    'RLE whose runs do not fill its size', 'object', 'only the box is used'
)
OTHER_SIZE = left_out(
    "RLE of another size than its image's", 'object', 'only the box is used'
)


class Outline(NamedTuple):
    """An object's outline.

    Attributes:
        polygons: each as x, y, x, y, ...; empty if there are none.
        rle: run lengths instead, as ``Object.rle``.
        kinds: what is wrong.
    """

    polygons: tuple[Polygon, ...] = ()
    rle: Mapping[str, object] | None = None
    kinds: tuple[Kind, ...] = ()

    def box(self) -> Box | None:
        """Return the box around it; None if there is no outline."""
        if self.rle is not None:
            from pycocotools import mask  # only masks without boxes need it

            rle: dict[str, Any] = dict(self.rle)
            if isinstance(rle['counts'], list):
                rle = mask.frPyObjects(rle, *rle['size'])
            left, top, across, down = map(float, mask.toBbox(rle))
            return left, top, left + across, top + down
        xs = [x for polygon in self.polygons for x in polygon[::2]]
        ys = [y for polygon in self.polygons for y in polygon[1::2]]
        return (min(xs), min(ys), max(xs), max(ys)) if xs else None


def read_outline(value: Any, size: tuple[int, int] | None) -> Outline:
    """Read the field ``segmentation`` of an annotation.

    Args:
        value: of the field; None or empty if there is no outline.
        size: width and height of the image, if the file says so.
    """
    if not value:
        return Outline()
    if isinstance(value, Mapping):
        return _read_rle(value, size)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return Outline(kinds=(STRANGE,))
    kinds = []
    if not any(isinstance(polygon, (list, dict)) for polygon in value):
        value = [value]
        kinds.append(FLAT_LIST)
    polygons = []
    for each in value:
        polygon = numbers(each)
        if polygon is None:
            kinds.append(NOT_NUMBERS)
        elif len(polygon) % 2:
            kinds.append(ODD)
        elif polygon:
            polygons.append(polygon)
    return Outline(tuple(polygons), None, tuple(kinds))


def numbers(value: Any) -> tuple[float, ...] | None:
    """Return a list of numbers, or texts of numbers; None if it is something else."""
    if not isinstance(value, (list, tuple)):
        return None
    try:
        return tuple(float(each) for each in value)
    except (TypeError, ValueError, OverflowError):
        return None


def _read_rle(value: Mapping[str, Any], size: tuple[int, int] | None) -> Outline:
    shape = numbers(value.get('size'))
    counts = value.get('counts')
    if shape is None or len(shape) != 2 or not isinstance(counts, (list, str)):
        return Outline(kinds=(STRANGE,))
    height, width = map(int, shape)
    runs = _runs(counts)
    # pycocotools trusts the runs, and writes beyond its memory
    if not runs or min(runs) < 0 or sum(runs) != height * width:
        return Outline(kinds=(BAD_RLE,))
    if size is not None and (width, height) != size:
        return Outline(kinds=(OTHER_SIZE,))
    return Outline(rle={'size': [height, width], 'counts': counts})


def _runs(counts: list[Any] | str) -> list[int] | None:
    """Return run lengths, decompressed if they are COCO's text; None if they cannot."""
    if isinstance(counts, list):
        whole = all(type(run) is int for run in counts)
        return counts if whole else None
    runs: list[int] = []
    value = shift = 0
    for letter in counts:
        code = ord(letter) - 48  # six bits: a flag that more follow, and five of value
        if not 0 <= code < 64:
            return None
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:  # negative
            value -= 1 << shift
        # from the fourth on, the difference to the last run of the same colour
        runs.append(value + (runs[-2] if len(runs) > 1 else 0))
        value = shift = 0
    return runs if shift == 0 else None
