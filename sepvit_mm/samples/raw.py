"""What a format's reader finds, before images are opened and geometry is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..annotations.fault import Kind, Tally
from ..errors import InputError
from .sample import Split

SUFFIXES = {
    *('.jpg', '.jpeg', '.jpe', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif'),
    *('.jp2', '.ppm', '.pgm'),
}
SPLITS: dict[str, Split] = {
    'train': 'train',
    'training': 'train',
    'trainval': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'test': 'test',
    'testing': 'test',
}

BROKEN = Kind('annotation file cannot be read', 'left out', 'see its syntax', 'file')
LATIN = Kind('annotation file is not UTF-8', 'noted', 'read as Latin-1', 'file')


@dataclass
class RawObject:
    """An object as its file says, unchecked.

    Attributes:
        label: name of its class.
        box: left, top, right, bottom. Defaults to None: that of its outline.
        polygons: lists of x, y, x, y, ... Defaults to none.
        rle: COCO's run lengths. Defaults to None.
        crowd: whether it stands for many. Defaults to False.
        place: what a fault calls it. Defaults to ''.
    """

    label: str
    box: Sequence[float] | None = None
    polygons: Sequence[Sequence[float]] = ()
    rle: Mapping[str, Any] | None = None
    crowd: bool = False
    place: str = ''


@dataclass
class RawImage:
    """An image as its annotation says, unopened.

    Attributes:
        path: where it should be.
        objects: what is annotated in it.
        said: width and height in the annotation. Defaults to None.
        split: what it is for. Defaults to None.
        mask: its label map. Defaults to None.
        label: its class. Defaults to None.
        relative: whether coordinates are fractions of the image. Defaults to False.
        annotated: whether there was an annotation. Defaults to True.
    """

    path: Path
    objects: list[RawObject] = field(default_factory=list)
    said: tuple[float, float] | None = None
    split: Split | None = None
    mask: Path | None = None
    label: str | None = None
    relative: bool = False
    annotated: bool = True


@dataclass
class Raw:
    """All that a reader found.

    Attributes:
        format: what was recognised, in words.
        classes: names declared by the data, in their order; may be empty.
        images: in any order.
        tally: what was wrong so far.
        values: number of each class by value of a label map.
        files: number of annotation files.
        declared: whether ``classes`` is a list that the data declare.
    """

    format: str
    classes: list[str]
    images: list[RawImage]
    tally: Tally = field(default_factory=Tally)
    values: dict[int, int] = field(default_factory=dict)
    files: int = 1
    declared: bool = False


def is_hidden(path: Path, root: Path) -> bool:
    """Tell whether a file or a folder above it, below ``root``, is hidden."""
    parts = path.relative_to(root).parts
    return any(part.startswith('.') or part == '__MACOSX' for part in parts)


def files_in(root: Path) -> list[Path]:
    """List all files under a folder that are not hidden, sorted."""
    return sorted(p for p in root.rglob('*') if not is_hidden(p, root) and p.is_file())


def is_image(path: Path) -> bool:
    """Tell whether a file's suffix is that of an image."""
    return path.suffix.lower() in SUFFIXES


def split_of(path: Path, root: Path) -> Split | None:
    """Return the split that the folders below ``root`` say a file is for."""
    parts = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    named = [SPLITS[part.lower()] for part in parts if part.lower() in SPLITS]
    return named[-1] if named else None


def text_of(path: Path, tally: Tally) -> str:
    """Read a text file, without a byte order mark.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f'{path} cannot be read: {error.strerror}') from error
    if content[:2] in (b'\xff\xfe', b'\xfe\xff'):
        return content.decode('utf-16', 'replace')
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError:
        tally.add([LATIN], path.name)
        return content.decode('latin-1')
