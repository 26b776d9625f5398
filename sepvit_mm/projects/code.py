"""Write Python values as people write them in configs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 88


class Name(str):
    """A piece of code that is written as it is, such as the name of a variable."""


def assignment(name: str, value: Any) -> str:
    """Write an assignment, on one line if it fits."""
    return f'{name} = {code(value, len(name) + 3)}'


def code(value: Any, used: int = 0, indent: int = 0) -> str:
    """Write a value, on one line if it fits, else on lines as full as they go.

    Args:
        value: dicts become calls of ``dict``, with a key ``'**'`` for what is unpacked
            into them; the rest is written as Python reads it.
        used: characters that stand before it on its line. Defaults to 0.
        indent: how far its line is indented. Defaults to 0.
    """
    flat = _flat(value)
    if len(flat) + used + 1 <= WIDTH or not _is_nested(value):
        return flat
    inner = indent + 4
    opening, closing = _brackets(value)
    start, end = f'{opening}\n{" " * inner}', f'\n{" " * indent}{closing}'
    bare = flat[len(opening) : -len(closing)].rstrip(',')
    if len(bare) + inner <= WIDTH:
        return f'{start}{bare}{end}'
    keyed = isinstance(value, Mapping)
    pairs = value.items() if keyed else (('', each) for each in value)
    lines = ['']
    for key, each in pairs:
        entry = f'{_key(key)}{code(each, inner + len(_key(key)), inner)},'
        together = f'{lines[-1]} {entry}'.lstrip()
        alone = isinstance(value, list) and any(map(_is_nested, value))
        if alone or '\n' in together or len(together) + inner > WIDTH:
            lines.append(entry)
        else:
            lines[-1] = together
    separator = f'\n{" " * inner}'
    return f'{start}{separator.join(filter(None, lines))}{end}'


def comment(text: str) -> str:
    """Write a comment, wrapped."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent='# ',
        subsequent_indent='# ',
        break_long_words=False,
        break_on_hyphens=False,
    )


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        return 'dict(', ')'
    return ('(', ')') if isinstance(value, tuple) else ('[', ']')


def _key(key: str) -> str:
    return f'{key}=' if key.isidentifier() else key


def _flat(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, Mapping):
        if set(value) == {'**'}:
            return str(value['**'])
        return f'dict({", ".join(_key(k) + _flat(v) for k, v in value.items())})'
    if isinstance(value, tuple):
        inner = ', '.join(map(_flat, value))
        return f'({inner},)' if len(value) == 1 else f'({inner})'
    if isinstance(value, list):
        return f'[{", ".join(map(_flat, value))}]'
    return repr(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (Mapping, list, tuple))
