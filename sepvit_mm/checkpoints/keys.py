"""Parameter names: the authors' and ours, translated both ways.

A table is a list of pairs of name beginnings, such as
``('patch_embeds.{s}.', 'stages.{s}.embed.')``, in which ``{s}`` and ``{b}`` stand for
the numbers of a stage and a block, and ``{s+1}`` for the number of the stage behind.
The first pair that matches a name translates it; what follows the match is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Pairs = Sequence[tuple[str, str]]

SLOT = re.compile(r'\{(\w)(\+1)?\}')


def translate(name: str, pairs: Pairs, *, back: bool = False) -> str | None:
    """Translate a parameter's name.

    Args:
        name: an authors' name, or one of ours with ``back``.
        pairs: authors' and our beginnings of names.
        back: from our names to the authors'.

    Returns:
        The other name, or None where no pair matches.
    """
    for theirs, ours in pairs:
        source, target = (ours, theirs) if back else (theirs, ours)
        match = _to_pattern(source).match(name)
        if match:
            numbers = {slot: int(match[slot]) for slot in match.groupdict()}
            for slot, plus in SLOT.findall(source):
                numbers[slot] -= bool(plus)
            return _fill(target, numbers) + name[match.end() :]
    return None


def _fill(template: str, numbers: Mapping[str, int]) -> str:
    return SLOT.sub(lambda slot: str(numbers[slot[1]] + bool(slot[2])), template)


def _to_pattern(template: str) -> re.Pattern:
    pieces = SLOT.split(template)  # text, slot, plus, text, ..., text
    pattern = re.escape(pieces[0])
    for slot, text in zip(pieces[1::3], pieces[3::3]):
        pattern += rf'(?P<{slot}>\d+)' + re.escape(text)
    return re.compile(pattern)
