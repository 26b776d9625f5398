"""What can be wrong with the images of a COCO file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .fault import Kind, Tally
from .files import absent, size_of, spread
from .objects import Entry, Size, has_id, is_number

NO_ID = Kind('id missing', 'stops', 'annotations refer to it', 'image')
SAME_ID = Kind('id used twice', 'stops', 'give each image its own', 'image')
NO_NAME = Kind('file_name missing', 'stops', 'add it', 'image')
NO_SIZE = Kind(
    'width or height missing', 'repaired', 'read from the image file', 'image'
)
UNKNOWN_SIZE = Kind(
    'width or height missing', 'stops', 'add them: the image cannot be read', 'image'
)


def scan_images(
    images: Sequence[Entry], folder: Path | None, tally: Tally
) -> dict[Any, Size | None]:
    """Count what is wrong with the entries of images.

    Args:
        images: as in the file.
        folder: where their files are; None if that is not known.
        tally: where to count.

    Returns:
        Width and height of each image, None if unknown, by id.
    """
    known: dict[Any, Entry] = {}
    sizes: dict[Any, Size | None] = {}
    for index, image in enumerate(images):
        place = image.get('id', f'entry {index}')
        size = size_said(image)
        if size is None:
            size = size_read(image, folder)
            tally.add([NO_SIZE if size else UNKNOWN_SIZE], place)
        if not has_id(image):
            tally.add([NO_ID], place)
        elif known.setdefault(image['id'], image) != image:
            tally.add([SAME_ID], place)
        else:
            sizes[image['id']] = size
        if not isinstance(image.get('file_name'), str):
            tally.add([NO_NAME], place)
    return sizes


def size_said(image: Entry) -> Size | None:
    """Return width and height of an image as the file says; None if it does not."""
    width, height = image.get('width'), image.get('height')
    if is_number(width) and is_number(height) and width > 0 and height > 0:
        return width, height
    return None


def size_read(image: Entry, folder: Path | None) -> Size | None:
    """Return width and height from an image's file; None if it cannot be read."""
    name = image.get('file_name')
    return size_of(folder / name) if folder and isinstance(name, str) else None


def scan_files(
    images: Sequence[Entry], folder: Path, tally: Tally, *, strict: bool
) -> None:
    """Count the images without a file, and those of another size than their file.

    Args:
        images: those that are loaded. Sizes are compared for a sample of them.
        folder: where their files are.
        tally: where to count.
        strict: whether a wrong size falsifies results, as it does for masks.
    """
    names = [image.get('file_name') for image in images]
    none = Kind('file_name without a file', 'stops', f'it is not in {folder}', 'image')
    for path in absent(folder / name for name in names if isinstance(name, str)):
        tally.add([none], path.name)
    other = Kind(
        'another width or height than in the image file',
        'stops' if strict else 'noted',
        'boxes and masks must be for the image as it is, turned as its EXIF says',
        'sampled image',
    )
    for image in spread(images):
        said, read = size_said(image), size_read(image, folder)
        if said and read and said != read:
            sizes = f'{said[0]}x{said[1]}, not {read[0]}x{read[1]}'
            tally.add([other], f'{image["file_name"]}: {sizes}')
