"""Read values that a user types on the command line."""

from __future__ import annotations

import math
import re
from ast import literal_eval
from typing import Any

PLAIN = (type(None), bool, int, float, str, list, tuple, dict)
NAMED = {
    'true': True,
    'false': False,
    'inf': math.inf,
    '-inf': -math.inf,
    'nan': math.nan,
}
CLOSING = {'(': ')', '[': ']', '{': '}'}


class Typed(str):
    """A value of the config as typed on the command line, not read yet."""


def read_typed(text: str, held: Any = None) -> Any:
    """Read a value that was typed on the command line.

    A Python literal is what Python reads; values with commas between them are a list.
    Other text becomes a list (in parentheses, a tuple) of values if it has commas or
    enclosing brackets and the value it replaces is a list or tuple. It never does if
    that is a string. If there is none, or one of another type, brackets are enough, but
    commas need plain words between them: only those are unlikely to be a path.

    Args:
        text: what was typed; nothing is taken out of it.
        held: the value of the config that it replaces. Defaults to None: there is none.

    Returns:
        The value; the text itself if it is neither a literal nor a list.
    """
    try:
        return _literal(text)
    except ValueError:
        pass
    if isinstance(held, str):
        return str(text)
    return _sequence(text, certain=isinstance(held, (list, tuple)))


def _literal(text: str) -> Any:
    """Read a literal, or several with commas between them.

    Raises:
        ValueError: it is none.
    """
    if text.strip().lower() in NAMED:
        return NAMED[text.strip().lower()]
    try:
        # in brackets, a # is an error and not the beginning of a comment
        values = literal_eval(f'[{text}]')
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f'{text} is no literal') from error
    if not (
        values and type(values) is list and all(isinstance(v, PLAIN) for v in values)
    ):
        raise ValueError(f'{text} is no literal')
    is_one = len(values) == 1 and not text.rstrip().endswith(',')
    return values[0] if is_one else values


def _sequence(text: str, *, certain: bool) -> Any:
    """Read a list or tuple of values, if the text is one.

    Args:
        text: what was typed.
        certain: whether commas are enough to make it a list.
    """
    inner = text.strip()
    brackets = inner[:1] + inner[-1:]
    if brackets in ('()', '[]') and (entries := _split(inner[1:-1])) is not None:
        values = [_entry(entry) for entry in entries]
        return tuple(values) if brackets == '()' else values
    entries = _split(text)
    if entries is None or ',' not in text:
        return str(text)
    values = [_entry(entry) for entry in entries]
    words = all(not isinstance(v, str) or re.fullmatch(r'\w+', v) for v in values)
    is_list = len(values) > 1 or text.rstrip().endswith(',')
    return values if is_list and (certain or words) else str(text)


def _entry(text: str) -> Any:
    """Read an entry of a list, in which a list of its own needs brackets."""
    try:
        return _literal(text)
    except ValueError:
        return _sequence(text, certain=False)


def _split(text: str) -> list[str] | None:
    """Split at the commas outside of brackets and quotes.

    Returns:
        The entries, without the spaces around them; None if brackets are not balanced.
    """
    entries = ['']
    closing: list[str] = []  # what is open, by what closes it
    before = ','
    for char in text:
        if closing and char == closing[-1]:
            closing.pop()
        elif closing and closing[-1] in '\'"':
            pass
        elif char in CLOSING:
            closing.append(CLOSING[char])
        elif char in '\'"' and before in '([{,:':  # not an apostrophe
            closing.append(char)
        elif char in CLOSING.values():
            return None
        elif char == ',' and not closing:
            entries.append('')
            before = char
            continue
        entries[-1] += char
        before = before if char.isspace() else char
    if closing:
        return None
    if len(entries) > 1 and not entries[-1].strip():
        entries.pop()  # of a comma at the end
    return [entry.strip() for entry in entries]
