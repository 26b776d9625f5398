"""Find the files of a data set, whatever their folders, suffixes and encodings."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from .sample import Split

IMAGES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif'))
"""Suffixes of image files, in lower case."""

_SPLITS: dict[str, Split] = {
    'train': 'train',
    'training': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'test': 'test',
    'testing': 'test',
}


def files_below(data: Path) -> list[Path]:
    """Return all files in a folder and its folders, ordered by path.

    Args:
        data: the folder, or a single file.

    Returns:
        The files, without hidden ones such as ``.DS_Store`` and ``._x.jpg``, which
        file managers leave.
    """
    if data.is_file():
        return [data]
    found = []
    for folder, folders, names in os.walk(data, followlinks=True):
        folders[:] = sorted(
            name for name in folders if name[0] != '.' and name != '__MACOSX'
        )
        found += [Path(folder, name) for name in names if name[0] != '.']
    return sorted(found)


def with_suffix(files: Iterable[Path], *suffixes: str) -> list[Path]:
    """Return the files with one of these suffixes, in capitals or not."""
    return [path for path in files if path.suffix.lower() in suffixes]


def read_text(path: Path) -> str:
    """Read a text file in the encoding that it seems to have.

    Args:
        path: the file.

    Returns:
        Its text without a byte order mark: from UTF-8 or UTF-16, else from Windows'
        western encoding, in which all bytes are letters.

    Raises:
        OSError: the file cannot be read.
    """
    return decoded(path.read_bytes())


def decoded(content: bytes) -> str:
    """Return the text of bytes; see :func:`read_text`."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode('utf-16', errors='replace')
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError:
        return content.decode('cp1252', errors='replace')


def split_of(path: str | Path) -> Split | None:
    """Tell from the name of a file or its folders what it is for.

    Args:
        path: relative to the data set, e.g. 'annotations/instances_val2017.json'.

    Returns:
        The split that the innermost name has; None if none has one, or if a name has
        several, as 'train_val.json'.
    """
    for part in reversed(PurePosixPath(Path(path).as_posix()).parts):
        words = re.split(r'[^a-z]+', part.lower())
        splits = {_SPLITS[word] for word in words if word in _SPLITS}
        if splits:
            return splits.pop() if len(splits) == 1 else None
    return None


def share_of(used: Collection[Path], files: Collection[Path]) -> float:
    """Return how much of a folder's files a format explains, its images included.

    Args:
        used: the files of annotations.
        files: all files.
    """
    images = with_suffix(files, *IMAGES)
    return len({*used, *images}) / max(1, len({*files}))


def place_of(path: Path, root: Path) -> str:
    """Return how messages name a file: relative to the data set if it is in there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


class Index:
    """Files by name, to find those that annotations name in another way.

    Args:
        root: folder of the data set.
        files: files below it, e.g. its images.
    """

    def __init__(self, root: Path, files: Iterable[Path]) -> None:
        self.root = root
        self.files = dict.fromkeys(files)  # a set, in order
        self._names: dict[str, list[Path]] = {}
        self._stems: dict[str, list[Path]] = {}
        for path in self.files:
            self._names.setdefault(path.name.casefold(), []).append(path)
            self._stems.setdefault(path.stem.casefold(), []).append(path)

    def find(
        self, name: str, near: Iterable[Path] = (), split: Split | None = None
    ) -> list[Path]:
        """Find a file by its path or name, of whatever machine.

        Args:
            name: e.g. 'images/a.jpg', 'a.JPG' or '/home/me/a.jpg'.
            near: folders in which the path is tried first, as it is.
            split: what the annotations are for; it decides between equal names.

        Returns:
            The file; none if there is none, several if they fit equally well.
        """
        for folder in near:
            path = Path(os.path.normpath(folder / name))
            if path in self.files:
                return [path]
        parts = _parts(name)
        found = self._names.get(parts[-1], []) if parts else []
        return self._closest(found, parts, near, split)

    def find_stem(
        self, name: str, near: Iterable[Path] = (), split: Split | None = None
    ) -> list[Path]:
        """Find a file by its path or name without suffix; see :meth:`find`.

        Args:
            name: e.g. 'train/a' for 'images/train/a.jpg'.
            near: folders of which files are preferred.
            split: what the annotations are for.
        """
        parts = _parts(name)
        found = self._stems.get(parts[-1], []) if parts else []
        return self._closest(found, parts, near, split)

    def _closest(
        self,
        found: list[Path],
        parts: list[str],
        near: Iterable[Path],
        split: Split | None,
    ) -> list[Path]:
        if len(found) < 2:
            return found
        folders = tuple(near)

        def fit(path: Path) -> tuple[int, bool, bool]:
            own = _parts(place_of(path.parent, self.root))
            equal = 0
            for ours, theirs in zip(reversed(own), reversed(parts[:-1])):
                if ours != theirs:
                    break
                equal += 1
            is_split = split is not None and split_of('/'.join(own)) == split
            return equal, path.parent in folders, is_split

        fits = [fit(path) for path in found]
        return [path for path, own in zip(found, fits) if own == max(fits)]


def _parts(path: str) -> list[str]:
    return [*PurePosixPath(path.strip().replace('\\', '/').casefold()).parts]


def strangers(images: Iterable[Path], annotated: Collection[Path]) -> list[Path]:
    """Return images without annotations, in the folders where others have some.

    Images in other folders, such as masks, are not for this format.

    Args:
        images: all images of a data set.
        annotated: those with annotations.
    """
    folders = {path.parent for path in annotated}
    known = set(annotated)
    return [path for path in images if path.parent in folders and path not in known]
