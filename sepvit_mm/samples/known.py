"""All kinds of fault that annotated images may have, for the documentation."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from ..annotations.fault import Kind
from . import __path__ as folder
from .formats import __path__ as formats_folder

ANY = 'any format'
# Modules that read a part of one format only.
PARTS = {
    'coco': ('categories', 'outlines'),
    'voc': ('xml',),
    'yolo': ('data_yaml', 'yolo_lines'),
    'labelme': ('shapes',),
    'masks': ('legend', 'meaning', 'pairs', 'pixels'),
}


def known_kinds() -> dict[str, list[Kind]]:
    """Return what may be wrong, by the name of the format that it occurs in.

    What may be wrong in several formats is first, under 'any format'. Faults that name
    something of the user's data, such as a class, are not among them.
    """
    parts = {part for each in PARTS.values() for part in each}
    shared = [each.name for each in iter_modules(folder) if each.name not in parts]
    found = {ANY: [*_kinds(shared)]}
    for each in iter_modules(formats_folder):
        module = f'formats.{each.name}'
        kinds = _kinds([module, *PARTS.get(each.name, ())])
        name = import_module(f'{__package__}.{module}').NAME
        found[name] = [kind for kind in kinds if kind not in found[ANY]]
    return found


def _kinds(modules: Iterable[str]) -> Iterable[Kind]:
    """Return the kinds that modules of this room hold, each once."""
    values = (
        value
        for name in modules
        for value in vars(import_module(f'{__package__}.{name}')).values()
    )
    return dict.fromkeys(value for value in values if isinstance(value, Kind))
