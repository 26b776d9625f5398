"""Look at image files once: whether they can be decoded, how large, of which kind."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..annotations import Kind
from ..annotations.files import BROKEN
from .record import left_out

ORIENTATION = 0x0112  # the EXIF tag
WORKERS = 4  # PIL decodes without holding Python's lock


def _noted(what: str, then: str) -> Kind:
    return Kind(what, 'noted', then, 'image')


MISSING = left_out('image missing', 'image')
EMPTY = left_out('image file empty', 'image')
BROKEN_IMAGE = left_out('image unreadable or truncated', 'image')
STACK = left_out('file with several images', 'image')
TURNED = _noted(
    'image turned by its EXIF orientation', 'used as it is shown, as mmcv loads it'
)
MODES = {
    '1': _noted('black and white image', 'used, with three equal channels'),
    'L': _noted('grey image', 'used, with three equal channels'),
    'LA': _noted('grey image with transparency', 'used, without the transparency'),
    'P': _noted('image with a palette', 'used, in its colours'),
    'PA': _noted('image with a palette', 'used, in its colours'),
    'RGBA': _noted('image with transparency', 'used, without the transparency'),
    'CMYK': _noted('CMYK image', 'used, converted to RGB'),
    'I;16': _noted('16-bit image', 'used, reduced to 8 bits'),
    'I;16B': _noted('16-bit image', 'used, reduced to 8 bits'),
    'I': _noted('32-bit image', 'used, reduced to 8 bits'),
    'F': _noted('image of decimal numbers', 'used, reduced to 8 bits'),
}
"""What is unusual about an image, by PIL's mode."""


@dataclass(frozen=True)
class Looked:
    """What is known of an image file.

    Attributes:
        kinds: what is wrong with it, or unusual.
        size: width and height in pixels as it is shown; None if it cannot be used.
        stored: width and height as stored, before EXIF's orientation is applied.
        orientation: EXIF's value, 1 to 8; 1 is upright. Defaults to 1.
        digest: SHA-256 of the file's content. Defaults to ''.
    """

    kinds: tuple[Kind, ...]
    size: tuple[int, int] | None = None
    stored: tuple[int, int] | None = None
    orientation: int = 1
    digest: str = ''


def look(path: Path) -> Looked:
    """Decode an image file.

    Args:
        path: the file, which may be missing or anything else.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return Looked((MISSING,))
    if not content:
        return Looked((EMPTY,))
    try:
        with Image.open(io.BytesIO(content)) as image:
            if getattr(image, 'n_frames', 1) > 1:
                return Looked((STACK,))
            image.load()  # all of it: only this finds files that end too early
            mode, stored = image.mode, image.size
            orientation = image.getexif().get(ORIENTATION, 1)
    except BROKEN:
        return Looked((BROKEN_IMAGE,))
    kinds = [MODES[mode]] if mode in MODES else []
    if orientation not in range(2, 9):
        orientation = 1
    else:
        kinds.append(TURNED)
    size = stored[::-1] if orientation >= 5 else stored
    digest = hashlib.sha256(content).hexdigest()
    return Looked(tuple(kinds), size, stored, orientation, digest)


def look_at(paths: Iterable[Path]) -> Iterator[Looked]:
    """Decode image files in parallel; each file once, however often it is named.

    Args:
        paths: the files.

    Yields:
        What is known of each, in their order.
    """
    ordered = list(paths)
    unique = list(dict.fromkeys(ordered))
    with ThreadPoolExecutor(WORKERS) as pool:
        known = dict(zip(unique, pool.map(look, unique)))
    yield from (known[path] for path in ordered)
