"""Compare names of classes, and list them in messages."""

from __future__ import annotations

from collections.abc import Iterable


def plain(name: str) -> str:
    """Remove from a name what is easily overlooked: capitals, blanks, hyphens.

    Args:
        name: any name.
    """
    return ''.join(letter for letter in name.casefold() if letter.isalnum())


def listed(names: Iterable[object], shown: int = 5) -> str:
    """Return the first names, quoted, and how many more there are.

    Args:
        names: any number of them.
        shown: how many to name. Defaults to 5.
    """
    texts = [repr(name) for name in names]
    more = len(texts) - shown
    return ', '.join(texts[:shown]) + (f' and {more} more' if more > 0 else '')
