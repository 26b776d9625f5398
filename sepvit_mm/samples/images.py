"""Decode every image once: is it whole, how large, what kind, and which content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import track

from ..annotations.fault import Kind
from ..annotations.files import BROKEN

MISSING = Kind('image missing', 'left out', 'there is no such file', 'image')
EMPTY = Kind('image file is empty', 'left out', '', 'image')
UNREADABLE = Kind('not an image', 'left out', 'it cannot be opened', 'image')
TRUNCATED = Kind('image truncated or damaged', 'left out', 'copy it again', 'image')
STACK = Kind('image of several frames', 'noted', 'the first is used', 'image')
EXIF = Kind('EXIF turns the image', 'noted', 'read as turned, as mmcv does', 'image')
MODES = {
    '1': 'black and white',
    'L': 'grey',
    'LA': 'grey with transparency',
    'P': 'palette',
    'RGBA': 'RGBA',
    'CMYK': 'CMYK',
    'I;16': '16-bit',
    'I;16B': '16-bit',
    'I': '16-bit',
    'F': 'floating point',
}


@dataclass(frozen=True)
class Facts:
    """What decoding an image tells.

    Attributes:
        kinds: what is wrong with it.
        size: width and height as turned; None if it cannot be used.
        digest: hash of the file's content.
        orientation: EXIF's; 1 is upright.
    """

    kinds: tuple[Kind, ...]
    size: tuple[int, int] | None = None
    digest: str = ''
    orientation: int = 1


def look_at(paths: Iterable[Path]) -> dict[Path, Facts]:
    """Decode images in threads, with a progress bar.

    Args:
        paths: files, each of which is decoded once.
    """
    unique = sorted(set(paths))
    with ThreadPoolExecutor(2) as pool:
        facts = track(
            pool.map(_facts, unique),
            'Decoding images',
            len(unique),
            transient=True,
            console=Console(stderr=True),
        )
        return dict(zip(unique, facts))


def _facts(path: Path) -> Facts:
    try:
        content = path.read_bytes()
    except OSError:
        return Facts((MISSING,))
    if not content:
        return Facts((EMPTY,))
    try:
        image = Image.open(BytesIO(content))
    except BROKEN:
        return Facts((UNREADABLE,))
    kinds = []
    try:
        with image:
            width, height = image.size
            mode, frames = image.mode, getattr(image, 'n_frames', 1)
            if image.format == 'JPEG':  # all data are read, an eighth is computed
                image.draft(None, (max(1, width // 8), max(1, height // 8)))
            image.load()
            orientation = image.getexif().get(0x0112, 1)
    except BROKEN:
        return Facts((TRUNCATED,))
    if mode in MODES:
        kinds.append(
            Kind(f'{MODES[mode]} image', 'noted', 'read as RGB, as mmcv does', 'image')
        )
    if frames > 1:
        kinds.append(STACK)
    if orientation in range(2, 9):
        kinds.append(EXIF)
    size = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    return Facts(tuple(kinds), size, hashlib.sha256(content).hexdigest(), orientation)
