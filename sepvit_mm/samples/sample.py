"""Annotated images in memory, the same for every format and task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..annotations import Fault

Task = Literal['detection', 'instance', 'semantic', 'classification']
Split = Literal['train', 'val', 'test']
Box = tuple[float, float, float, float]
Polygon = tuple[float, ...]


@dataclass(frozen=True)
class Object:
    """An annotated object.

    Attributes:
        label: name of its class.
        box: left, top, right, bottom in pixels, within the image.
        polygons: its outline, each polygon as x, y, x, y, ... in pixels. Defaults to
            none: only the box is known.
        rle: its mask as COCO's run lengths instead of polygons. Defaults to None.
        crowd: whether it stands for many objects, as COCO's ``iscrowd``. Defaults to
            False.
    """

    label: str
    box: Box
    polygons: tuple[Polygon, ...] = ()
    rle: Mapping[str, object] | None = None
    crowd: bool = False


@dataclass(frozen=True)
class Sample:
    """An image and what people said about it.

    Attributes:
        image: path of the image.
        size: width and height in pixels, turned as its EXIF orientation says.
        digest: hash of the file's content; equal files have equal digests.
        split: what the user's folders or files say it is for. Defaults to None.
        objects: for detection and instance segmentation. Defaults to none: an image
            of which people said that it shows nothing.
        mask: path of its label map, for semantic segmentation. Defaults to None.
        label: name of its class, for classification. Defaults to None.
    """

    image: Path
    size: tuple[int, int]
    digest: str
    split: Split | None = None
    objects: tuple[Object, ...] = ()
    mask: Path | None = None
    label: str | None = None


@dataclass(frozen=True)
class Samples:
    """All annotated images of a user that can be used, and what was left out.

    Attributes:
        task: what the annotations are read for.
        format: what was recognised, in words, e.g. 'Pascal VOC: 364 xml files'.
        classes: names of the classes, in the order of their numbers.
        samples: the images, ordered by path.
        faults: what was wrong, by kind, and what was done about it.
        values: number of each class by value of a label map, for masks; values that
            are not here are ignored. Defaults to none.
    """

    task: Task
    format: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...] = ()
    values: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
