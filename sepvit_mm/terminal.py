"""Print tables in which names of the user's stand as they are."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console


def console(file: TextIO | None = None, *, width: int | None = None) -> Console:
    """Return a console that prints all text as it is given.

    rich's own would read ``[old]`` in a class name or a path as markup, and ``:car:``
    as an emoji. What is to be bold is a :class:`rich.text.Text` instead.

    Args:
        file: where to print. Defaults to None: stdout.
        width: characters in a line. Defaults to None: those of the terminal.
    """
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)
