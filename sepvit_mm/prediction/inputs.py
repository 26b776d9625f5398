"""Find the images in what a user names: files, folders, patterns, lists, videos."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

IMAGES = (
    *('.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp'),
    *('.jp2', '.npy', '.gif'),
)
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
LISTS = ('.txt', '.lst')


@dataclass(frozen=True)
class Item:
    """An image to predict.

    Attributes:
        name: its path, or for a frame ``a.mp4/000012.png``; unique among all items.
        path: the file that it is read from.
        frame: number of the frame of a video, from 0. Defaults to None: an image.
        image_id: its id in the COCO file that names it. Defaults to None.
    """

    name: str
    path: Path
    frame: int | None = None
    image_id: int | None = None


@dataclass(frozen=True)
class Inputs:
    """All images to predict.

    Attributes:
        items: each image once, in the order of the inputs.
        categories: of the COCO file, if that was the only input. Defaults to None.
    """

    items: tuple[Item, ...]
    categories: tuple[dict[str, Any], ...] | None = None


def find_inputs(
    inputs: Sequence[str | Path],
    *,
    every: int = 1,
    image_root: str | Path | None = None,
) -> Inputs:
    """Find the images in files, folders, patterns, lists, videos and COCO files.

    Args:
        inputs: an image; a folder, searched with its subfolders, hidden ones left out;
            a pattern such as ``photos/*.png``; a text file of paths, one in a line,
            relative to the text file; a video; a COCO json.
        every: of a video, each n-th frame. Defaults to 1: all.
        image_root: folder of a COCO file's images. Defaults to None: beside the file,
            or in ``images`` beside it or beside its folder.

    Raises:
        InputError: an input does not exist, is of no known kind or has no images.
    """
    found: dict[tuple[str, int | None], Item] = {}
    categories = None
    for given in inputs:
        if Path(given).suffix.lower() == '.json' and Path(given).is_file():
            items, categories = _in_coco(Path(given), image_root)
        else:
            items = list(_find(str(given), every))
        if not items:
            raise InputError(f'{given} has no images ({", ".join(IMAGES)})')
        for item in items:
            found.setdefault((str(item.path.absolute()), item.frame), item)
    alone = len(inputs) == 1
    return Inputs(tuple(found.values()), categories if alone else None)


def _find(given: str, every: int) -> Iterator[Item]:
    path = Path(given)
    if path.is_dir():
        yield from (Item(str(image), image) for image in _images_in(path))
    elif path.is_file():
        suffix = path.suffix.lower()
        if suffix in VIDEOS:
            yield from _frames_of(path, every)
        elif suffix in LISTS:
            yield from _in_list(path, every)
        else:  # whatever its suffix: the pipeline decides what it can read
            yield Item(given, path)
    else:
        matches = sorted(glob(given, recursive=True))
        if not matches:
            raise InputError(
                f'{given} not found: give images, folders, patterns, a text file of '
                'paths, videos or a COCO json'
            )
        for match in matches:
            kinds = (*IMAGES, *VIDEOS)
            if Path(match).is_dir() or Path(match).suffix.lower() in kinds:
                yield from _find(match, every)


def _images_in(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob('*'))
        if path.suffix.lower() in IMAGES
        and not any(p.startswith('.') for p in path.relative_to(folder).parts)
        and not path.is_dir()  # a link to a missing file is a failure, told later
    ]


def _in_list(path: Path, every: int) -> Iterator[Item]:
    """Read a list; an image that is missing is a failure of its own, told later."""
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f'{path} is no text file of paths: {error}') from error
    for line in filter(None, (line.strip() for line in lines)):
        entry = Path(line) if Path(line).is_file() else path.parent / line
        if entry.suffix.lower() in VIDEOS and entry.is_file():
            yield from _frames_of(entry, every)
        else:
            yield Item(str(entry), entry)


def _frames_of(path: Path, every: int) -> Iterator[Item]:
    import cv2

    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    if count <= 0:
        raise InputError(f'{path} is no video that OpenCV can read')
    for frame in range(0, count, every):
        yield Item(f'{path}/{frame:06d}.png', path, frame)


def _in_coco(
    path: Path, image_root: str | Path | None
) -> tuple[list[Item], tuple[dict[str, Any], ...]]:
    try:
        content = json.loads(path.read_text())
        entries = [(str(e['file_name']), int(e['id'])) for e in content['images']]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{path} is no COCO json with images of file_name and id: '
            f'{type(error).__name__}: {error}'
        ) from error
    roots = [path.parent, path.parent / 'images', path.parent.parent / 'images']
    roots += [path.parent.parent / 'images' / path.stem, path.parent.parent]
    if image_root is not None:
        roots = [Path(image_root)]
    first = entries[0][0] if entries else ''
    root = next((root for root in roots if (root / first).is_file()), None)
    if root is None:
        raise InputError(
            f'{first}, the first image of {path}, is in none of '
            f'{", ".join(map(str, roots))}: say where with --image-root'
        )
    items = [Item(str(root / name), root / name, None, id) for name, id in entries]
    return items, tuple(content.get('categories') or ())


class Frames:
    """Frames of videos, read one after the other without seeking."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._video: Any = None
        self._next = 0

    def read(self, item: Item) -> NDArray[np.uint8]:
        """Return a frame, shape H, W, 3 in BGR.

        Args:
            item: the frame; those of one video in order.

        Raises:
            ValueError: the frame cannot be decoded.
        """
        import cv2

        frame = item.frame or 0
        if item.path != self._path or frame < self._next:
            self._path, self._video, self._next = (
                item.path,
                cv2.VideoCapture(str(item.path)),
                0,
            )
        while self._next < frame and self._video.grab():
            self._next += 1
        read, image = self._video.read()
        self._next += 1
        if not read:
            raise ValueError(f'frame {frame} cannot be decoded')
        return image
