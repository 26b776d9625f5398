"""Read YOLO's data.yaml, or the lists that stand for it: names of classes, splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..annotations import Kind
from ..annotations.fault import Tally
from .files import IMAGES, Index, files_below, place_of, read_text, with_suffix
from .record import left_out
from .sample import Split

BROKEN = Kind('data.yaml broken', 'noted', 'folders and other files are used', 'file')
BAD_NAMES = Kind(
    'names in data.yaml neither a list nor numbers with names',
    'noted',
    'not used',
    'file',
)
OTHER_COUNT = Kind(
    'nc in data.yaml not the number of names', 'noted', 'the names are used', 'file'
)
SAME_NAME = Kind('class with the name of another', 'noted', 'taken as one', 'class')
NO_NAMES = Kind(
    'no names of classes: no data.yaml, classes.txt or obj.names has them',
    'noted',
    'called class_0, class_1, ...',
)
MOVED = Kind(
    'path in data.yaml that is not on this machine',
    'noted',
    'the folder of that name in the data is used',
    'path',
)
NO_PATH = left_out('path in data.yaml that does not exist', 'path')
NOT_LISTED = left_out('image in a list of a split that does not exist', 'image')
TWO_SPLITS = Kind(
    'image that is for training and for validation or test',
    'noted',
    'taken as without split',
    'image',
)

_KEYS: tuple[tuple[str, Split], ...] = (
    ('train', 'train'),
    ('val', 'val'),
    ('valid', 'val'),
    ('validation', 'val'),
    ('test', 'test'),
)
LISTS = tuple(f'{key}.txt' for key, _ in _KEYS)
"""Files with paths of images, one a line, as darknet has them."""


@dataclass(frozen=True)
class DataYaml:
    """What a data.yaml says.

    Attributes:
        path: the file; what it names is looked for beside it.
        content: of the file, all values as texts.
    """

    path: Path
    content: Mapping[str, Any]

    def names(self, place: str, tally: Tally) -> dict[int, str]:
        """Return the names of the classes by number; none if there are none.

        Args:
            place: how messages name the file.
            tally: where to count what is wrong.
        """
        names = self.content.get('names')
        if isinstance(names, list):
            names = dict(enumerate(names))
        try:
            numbered = {int(key): _text(name) for key, name in (names or {}).items()}
        except (AttributeError, ValueError):
            tally.add([BAD_NAMES], place)
            return {}
        count = self.content.get('nc')
        if numbered and count is not None and count != str(len(numbered)):
            tally.add([OTHER_COUNT], f'{place}: {count} and {len(numbered)}')
        return dict(sorted(numbered.items()))

    def folders(self, root: Path, tally: Tally) -> Iterator[tuple[Split, Path]]:
        """Yield folders of images, or lists of them, by split.

        Args:
            root: folder of the data set, in which folders of other machines are
                looked for.
            tally: where to count what is wrong.
        """
        for key, split in _KEYS:
            entries = self.content.get(key) or []
            for entry in [entries] if isinstance(entries, str) else entries:
                if entry in ('null', '~', 'None'):
                    continue
                place = f'{key}: {entry}'
                path = self._there(str(entry))
                if path is None:
                    path = _tail(str(entry), (self.path.parent, root))
                    tally.add([NO_PATH if path is None else MOVED], place)
                if path is not None:
                    yield split, path

    def _there(self, entry: str) -> Path | None:
        """Return the path as YOLO understands it, if it exists."""
        beside = self.path.parent
        base = beside / str(self.content.get('path') or '')
        for path in (base / entry, beside / entry):
            if path.exists():
                return path.resolve()
        return None


def _text(name: Any) -> str:
    return ' '.join(str(name).split())


def _tail(entry: str, tops: Sequence[Path]) -> Path | None:
    """Return the last parts of a path of another machine that exist here."""
    parts = [part for part in entry.replace('\\', '/').split('/') if part.strip('.')]
    for start in range(len(parts)):
        for top in tops:
            path = top.joinpath(*parts[start:])
            if path.exists():
                return path.resolve()
    return None


def open_yaml(files: Iterable[Path], root: Path, tally: Tally) -> DataYaml | None:
    """Open the data.yaml among files: the one with names that is highest up.

    Args:
        files: all files of a data set, or the one that the user gave.
        root: folder of the data set.
        tally: where to count those that are broken.

    Returns:
        Its content. Without one, lists such as train.txt stand for it; None if there
        are none either.
    """
    ordered = sorted(files, key=lambda path: (len(path.parts), path))
    for path in with_suffix(ordered, '.yaml', '.yml'):
        try:
            # the base loader leaves 'no' and '1' the names that they are
            content = yaml.load(read_text(path), yaml.BaseLoader)
        except (yaml.YAMLError, OSError):
            if path.stem in ('data', 'dataset'):
                tally.add([BROKEN], place_of(path, root))
            continue
        if isinstance(content, dict) and 'names' in content:
            return DataYaml(path, content)
    lists = {path.stem: path.name for path in ordered if path.name in LISTS}
    for path in ordered:
        if path.name in LISTS and _lists_images(path):
            return DataYaml(path, lists)
    return None


def _lists_images(path: Path) -> bool:
    lines = read_text(path).split('\n', 1)
    return Path(lines[0].strip()).suffix.lower() in IMAGES


def read_names(files: Iterable[Path]) -> dict[int, str]:
    """Return names of classes by number from classes.txt, obj.names and the like.

    Args:
        files: all files of a data set.
    """
    for path in files:
        if path.name.lower() == 'classes.txt' or path.suffix.lower() == '.names':
            lines = read_text(path).rstrip().splitlines()
            if lines:
                return dict(enumerate(map(_text, lines)))
    return {}


def split_images(
    found: Iterable[tuple[Split, Path]], images: Index, tally: Tally
) -> dict[Path, Split | None]:
    """Return the split of images.

    Args:
        found: from :meth:`DataYaml.folders`.
        images: all images.
        tally: where to count what is wrong.

    Returns:
        The split of each image that is in one of them; None if it is in several.
    """
    splits: dict[Path, Split | None] = {}
    for split, path in found:
        if path.is_dir():
            inside = [image for image in images.files if image.is_relative_to(path)]
        else:
            inside = list(_listed(path, images, tally))
        for image in inside:
            if splits.setdefault(image, split) != split:
                splits[image] = None
                tally.add([TWO_SPLITS], place_of(image, images.root))
    return splits


def _listed(path: Path, images: Index, tally: Tally) -> Iterator[Path]:
    for line in filter(None, map(str.strip, read_text(path).splitlines())):
        found = images.find(line, (path.parent, images.root))
        if len(found) == 1:
            yield found[0]
        else:
            tally.add([NOT_LISTED], f'{path.name}: {line}')


def files_of(found: Iterable[tuple[Split, Path]], root: Path) -> list[Path]:
    """Return files of folders that data.yaml names outside the data set.

    Args:
        found: from :meth:`DataYaml.folders`.
        root: folder of the data set.
    """
    tops: dict[Path, None] = {}
    for _, path in found:
        if path.is_dir() and not path.is_relative_to(root):
            parts = path.parts
            above = parts[: parts.index('images')] if 'images' in parts else parts
            if path.name == 'images':
                above = path.parent.parts
            tops[Path(*above)] = None
    return [file for top in tops for file in files_below(top)]
