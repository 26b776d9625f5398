"""Names of classes from the text files that lie beside annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .files import read_text

Colour = tuple[int, int, int]

FILES = (
    'labels.txt',
    'classes.txt',
    'class_names.txt',
    'label_names.txt',
    'names.txt',
    'flags.txt',
    'labelmap.txt',
    'label_map.txt',
    'label_colors.txt',
    'label_colours.txt',
    'class_dict.csv',
    '_classes.csv',
    'classes.csv',
    'labels.csv',
    'id2label.json',
    'label_map.json',
    'labelmap.json',
    'classes.json',
)
"""Names of files with names of classes, in lower case; the first one counts."""

BACKGROUND = '_background_'  # as labelme calls it
IGNORED = '__ignore__'  # as labelme calls it

_RGB = r'(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})'
_PATTERNS = {
    'colour first': re.compile(rf'^{_RGB}[\s,;:]+(?P<name>\S.*)$'),  # CamVid
    'name first': re.compile(rf'^(?P<name>.*?\S)\s*[:,;\s]\s*{_RGB}\s*(:.*)?$'),
    'value': re.compile(r'^(?P<value>\d+)\s*[,:;\s]\s*(?P<name>[^\d\s].*)$'),
}


@dataclass(frozen=True)
class Legend:
    """What a file says about classes.

    Attributes:
        names: name by value.
        colours: value by colour of a label map. Defaults to none.
        path: the file. Defaults to None: there is none.
    """

    names: dict[int, str] = field(default_factory=dict)
    colours: dict[Colour, int] = field(default_factory=dict)
    path: Path | None = None

    @property
    def ordered(self) -> tuple[str, ...]:
        """Names in the order of their values."""
        return tuple(self.names[value] for value in sorted(self.names))


def find_legend(files: Iterable[Path]) -> Legend:
    """Read the names of classes from the first file that has them.

    Args:
        files: all files of a data set.

    Returns:
        The names; empty if no file has any.
    """
    known = [path for path in files if path.name.lower() in FILES]
    known.sort(key=lambda path: (len(path.parts), FILES.index(path.name.lower())))
    for path in known:
        text = read_text(path)
        legend = _of_json(text) if path.suffix == '.json' else _of_lines(text)
        if legend.names:
            return Legend(legend.names, legend.colours, path)
    return Legend()


def of_names(names: Sequence[str]) -> Legend:
    """Number names from 0; labelme's name of ignored pixels has no number.

    Args:
        names: in order.
    """
    classes = [name for name in names if name != IGNORED]
    return Legend({i: readable(name) for i, name in enumerate(classes)})


def readable(name: str) -> str:
    """Return a name as people write it: labelme's background without its lines."""
    return 'background' if name == BACKGROUND else name


def _of_json(text: str) -> Legend:
    try:
        content = json.loads(text)
        if isinstance(content, list):
            return of_names([str(name) for name in content])
        if all(isinstance(value, int) for value in content.values()):
            return Legend({value: str(name) for name, value in content.items()})
        return Legend({int(value): str(name) for value, name in content.items()})
    except (ValueError, AttributeError):
        return Legend()  # another file that happens to have this name


def _of_lines(text: str) -> Legend:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith('#')]
    for layout, pattern in _PATTERNS.items():
        matches = [pattern.match(line) for line in lines]
        if matches and matches[0] is None:
            matches = matches[1:]  # the heads of a table's columns
        found = [match for match in matches if match is not None]
        if not found or len(found) < len(matches):
            continue
        names = [readable(match['name'].strip(' "\t')) for match in found]
        if layout == 'value':
            return Legend({int(m['value']): name for m, name in zip(found, names)})
        colours = {
            (int(m[n]), int(m[n + 1]), int(m[n + 2])): i
            for i, m in enumerate(found)
            for n in [1 if layout == 'colour first' else 2]
        }
        return Legend(dict(enumerate(names)), colours)
    return of_names(lines)
