"""Find a name, a number or a colour where a list of them is meant.

``('cargo')`` is not a tuple: its comma is missing. Python iterates over the letters of
such a string, torch makes a tensor of so many elements from such a number, and the
libraries go on with the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, getdoc, getsource, isclass
from typing import Any

from mmengine.config import Config

from ..engine.sources import is_file_of_names
from .data import LOADERS
from .parts import Part, constructors, name_of, parts

LISTS = {'list', 'tuple', 'sequence', 'iterable'}
NO_TYPES = {'typing', 'collections', 'abc', 'class', 'optional', 'union', 'none'}


def lists(cfg: Config) -> Iterator[str]:
    """Find single values where the class takes only lists, and wrong class names."""
    for part in parts(cfg):
        for name, value in part.settings.items():
            if _is_single(value) and name != 'type' and _takes_lists(part, name):
                yield (
                    f'{part.path}.{name} is {value!r}, but {name_of(part.kind)} takes '
                    f'a list: write [{value!r}], or ({value!r},) with its comma'
                )
    messages: dict[str, list[str]] = {}
    for part in parts(cfg):
        if part.path.split('.')[0] in LOADERS:
            for key, message in _metainfo(part):
                messages.setdefault(message, []).append(f'{part.path}.{key}')
    for message, (first, *others) in messages.items():
        also = f' (as in {", ".join(others)})' if others else ''
        yield f'{first}{also} {message}'


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _takes_lists(part: Part, name: str) -> bool:
    """Tell whether a class declares an argument to be a list and nothing else.

    Its annotation says so, else its docstring, else a default that is a list. A class
    that tells the types of an argument apart knows what to do with each. The libraries
    declare a few numbers as lists by mistake: the channels of a single map, and floats
    in docstrings. A number given for a list of these fails by itself.
    """
    is_number = not isinstance(part.settings[name], str)
    if part.kind is None or (is_number and name == 'in_channels'):
        return False
    for parameters in constructors(part.kind):
        if name in parameters:
            parameter = parameters[name]
            if isinstance(part.settings[name], float) and not _annotation(parameter):
                return False
            declared = _annotation(parameter) or _described(part.kind, parameter)
            told_apart = rf'isinstance\((self\.)?{name},'
            is_list = _is_list_type(declared)
            return is_list and not re.search(told_apart, _source(part.kind))
    return False


def _source(kind: Any) -> str:
    try:
        return getsource(kind)
    except (OSError, TypeError):  # compiled, or typed at a prompt
        return ''


def _annotation(parameter: Parameter) -> str:
    is_there = parameter.annotation is not Parameter.empty
    return str(parameter.annotation) if is_there else ''


def _described(kind: Any, parameter: Parameter) -> str:
    """Return an argument's type by its docstring or default; empty if none tells."""
    for each in kind.__mro__[:-1] if isclass(kind) else [kind]:
        for text in (getdoc(each), getdoc(getattr(each, '__init__', None))):
            entry = re.search(rf'(?m)^ *{parameter.name} ?\((.*?)\) ?:', text or '')
            if entry:
                return entry[1]
    default = parameter.default
    texts = isinstance(default, (list, tuple)) and default
    return 'list' if texts and all(isinstance(t, str) for t in texts) else ''


def _is_list_type(words: str) -> bool:
    """Tell whether a type, in the words of an annotation or docstring, is a list.

    >>> _is_list_type('typing.Optional[typing.Sequence[str]]')
    True
    >>> _is_list_type('list[tuple[int, int]] | int')
    False
    """
    words = words.lower().translate(str.maketrans('(){}', '[][]'))
    before = ''
    while words != before:  # the innermost brackets first
        before = words
        words = re.sub(
            rf'\b({"|".join(LISTS)})\[[^\[\]]*\]',
            r'\1',
            words,
        )
    types = set(re.findall('[a-z_]+', words)) - NO_TYPES
    return bool(types) and types <= LISTS


def _metainfo(part: Part) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the names and colours of a dataset's classes."""
    metainfo = part.settings.get('metainfo')
    metainfo = metainfo if isinstance(metainfo, Mapping) else {}
    named = {'metainfo.classes': metainfo.get('classes')}
    named['classes'] = part.settings.get('classes')  # as mmpretrain has it
    for key, names in named.items():
        yield from ((key, message) for message in _names(names))
    palette = metainfo.get('palette')
    names = metainfo.get('classes', getattr(part.kind, 'METAINFO', {}).get('classes'))
    for message in _palette(palette, names):
        yield 'metainfo.palette', message
    for key in ('CLASSES', 'PALETTE'):
        if key in metainfo:
            yield f'metainfo.{key}', f'is not read any more: name it {key.lower()}'


def _names(names: Any) -> Iterator[str]:
    if isinstance(names, str):
        if not is_file_of_names(names):
            yield (
                f'is {names!r}, a string and no file of names: for the class of this '
                f'name, write [{names!r}], or ({names!r},) with its comma'
            )
    elif isinstance(names, Sequence):
        if others := [name for name in names if not isinstance(name, str)]:
            yield f'has {others[0]!r}, but must be a list of names'
        elif twice := sorted({name for name in names if names.count(name) > 1}):
            yield f'has {twice[0]!r} twice'


def _palette(palette: Any, names: Any) -> Iterator[str]:
    if not isinstance(palette, Sequence) or isinstance(palette, str):
        return  # mmdet knows some palettes by name
    if palette and all(_is_single(entry) for entry in palette):
        yield (
            f'is {palette}, a single colour, but must be a list with a colour for each '
            f'class: [{tuple(palette)}]'
        )
    elif isinstance(names, Sequence) and not isinstance(names, str):
        if len(palette) != len(names):
            yield f'has {len(palette)} colours for {len(names)} classes'
