"""What a file of annotations says about an image, before anyone has looked at both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..annotations import Kind
from ..annotations.fault import Tally
from .sample import Object, Split, Task


@dataclass(frozen=True)
class Record:
    """An image and its annotations as they are in the files, right or wrong.

    Attributes:
        image: path where the image should be.
        split: what the user's folders or files say it is for. Defaults to None.
        size: width and height that the annotations are for, if they say so. Defaults
            to None.
        objects: with boxes and polygons in pixels, not yet compared with the image.
            Defaults to none.
        fractions: whether boxes and polygons are fractions of the width and the
            height, as YOLO has them. Defaults to False.
        mask: path of its label map. Defaults to None.
        label: name of its class, for classification. Defaults to None.
        annotated: whether there are annotations, even empty ones. Defaults to True.
    """

    image: Path
    split: Split | None = None
    size: tuple[int, int] | None = None
    objects: tuple[Object, ...] = ()
    fractions: bool = False
    mask: Path | None = None
    label: str | None = None
    annotated: bool = True


@dataclass(frozen=True)
class Found:
    """What a format recognised in a folder, and how to read it.

    Attributes:
        text: in words, e.g. 'Pascal VOC: 364 xml files beside 360 images'.
        files: the files of annotations or the folders, by split if they have one.
        share: how much of the folder's files this explains, 0 to 1, to choose between
            formats that both fit.
        root: folder below which the images are. Defaults to the current folder.
        names: of the classes, if the user gave them. Defaults to none.
    """

    text: str
    files: Mapping[Split | None, tuple[Path, ...]]
    share: float = 1.0
    root: Path = Path()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """All that a format read.

    Attributes:
        records: one for each image.
        classes: names of the classes in the order of their numbers.
        values: number of each class by value of a label map. Defaults to none.
        colours: value by colour (red, green, blue) of label maps in colours. Defaults
            to none.
        totals: how many entries were looked at, by the noun of a fault, e.g. 40 by
            'json file'. Defaults to none.
    """

    records: tuple[Record, ...]
    classes: tuple[str, ...]
    values: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)


class Format(Protocol):
    """A module that recognises and reads one format of annotations.

    Attributes:
        NAME: what users call it, e.g. 'Pascal VOC'.
        TASKS: the tasks it can be read for.
    """

    NAME: str
    TASKS: Collection[Task]

    def find(self, data: Path, names: Iterable[str] = ()) -> Found | None:
        """Recognise the format in a folder or a file; None if it is another one."""

    def read(self, found: Found, task: Task, tally: Tally) -> Contents:
        """Read all files; count in the tally what cannot be read, and go on."""


def left_out(what: str, noun: str, then: str = 'left out') -> Kind:
    """Return a kind of fault because of which something is left out.

    Args:
        what: what is wrong.
        noun: what it is counted in, e.g. 'image'.
        then: what follows. Defaults to 'left out'.
    """
    return Kind(what, 'noted', then, noun)


NOTHING_LEFT = left_out('image whose objects are all left out', 'image')
"""Such an image is not one of which people said that it shows nothing."""
