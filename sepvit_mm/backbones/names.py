"""Translate parameter names between the authors' and ours.

A table is a list of pairs of prefixes, the authors' and ours, such as
``('patch_embeds.{s}.', 'stages.{s}.embed.')``. In them ``{s}`` and ``{b}`` stand for
the numbers of a stage and a block, and ``{s+1}`` for the number of the next stage. The
first pair that matches a name translates it; the rest of the name is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from .arch import NUM_STAGES

Pairs = Sequence[tuple[str, str]]
T = TypeVar('T')

# Prefixes of all parameter names in our backbones.
OWN_PARTS = ('stages.', 'norms.')
# Prefixes of what a classifier's file also holds: the final norm and the head.
NOT_OF_A_BACKBONE = ('head.', 'norm.')
# A backbone with a norm on its last output only has that final norm, too.
FINAL_NORM = ('norm.', f'norms.{NUM_STAGES - 1}.')

_SLOT = re.compile(r'\{(\w)(\+1)?\}')


def translate(name: str, pairs: Pairs, *, back: bool = False) -> str | None:
    """Translate a parameter's name.

    Args:
        name: the authors' name, or ours if ``back``.
        pairs: prefixes of the authors' names and of ours.
        back: translate from our names to the authors'. Defaults to False.

    Returns:
        The translated name, or None if no pair matches.
    """
    for theirs, ours in pairs:
        source, target = (ours, theirs) if back else (theirs, ours)
        match = _to_pattern(source).match(name)
        if match:
            numbers = {slot: int(match[slot]) for slot in match.groupdict()}
            for slot, plus in _SLOT.findall(source):
                numbers[slot] -= bool(plus)
            return _fill(target, numbers) + name[match.end() :]
    return None


def to_ours(state: Mapping[str, T], pairs: Pairs) -> dict[str, T]:
    """Rename the parameters of a backbone to our names.

    Args:
        state: values by the authors' names or by ours.
        pairs: prefixes of the authors' names and of ours.

    Returns:
        Values by our names, without a classifier's final norm and head. Unknown names
        are kept as they are.
    """
    renamed = {translate(n, pairs) or n: value for n, value in state.items()}
    return {
        name: value
        for name, value in renamed.items()
        if not name.startswith(NOT_OF_A_BACKBONE)
    }


def _fill(template: str, numbers: Mapping[str, int]) -> str:
    return _SLOT.sub(lambda slot: str(numbers[slot[1]] + bool(slot[2])), template)


def _to_pattern(template: str) -> re.Pattern[str]:
    pieces = _SLOT.split(template)  # text, slot, plus, text, ..., text
    pattern = re.escape(pieces[0])
    for slot, text in zip(pieces[1::3], pieces[3::3]):
        pattern += rf'(?P<{slot}>\d+)' + re.escape(text)
    return re.compile(pattern)
