"""Faults of annotations as data: what is wrong, where, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Outcome = Literal['stops', 'repaired', 'noted', 'left out']
"""What is done: a run stops, uses a repaired copy, or goes on; an entry is left out."""

SHOWN = 3  # how many places a fault names


class Kind(NamedTuple):
    """What can be wrong.

    Attributes:
        what: the field and what is wrong with it.
        outcome: what a run does about it.
        then: what follows from it, what to do, or what the repair is; may be empty.
        noun: what it is counted in, e.g. 'annotation'. Defaults to '': the whole file.
    """

    what: str
    outcome: Outcome
    then: str
    noun: str = ''


@dataclass(frozen=True)
class Fault:
    """All faults of one kind in one file or folder.

    Attributes:
        kind: what is wrong.
        count: how many entries have the fault.
        of: how many entries were looked at.
        places: the ids or names of the first few.
    """

    kind: Kind
    count: int = 1
    of: int = 1
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        what, outcome, then, noun = self.kind
        if noun:
            more = ', ...' if self.count > len(self.places) else ''
            noun += 's' if self.of > 1 else ''
            places = f'{", ".join(self.places)}{more}'
            what = f'{what} in {self.count} of {self.of} {noun} ({places})'
        if outcome == 'repaired':
            then += ', in a copy of the file that train and test use'
        return f'{what}: {then}' if then else what


class Tally:
    """Collect faults by kind, however many there are, in a single pass."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._places: dict[Kind, list[str]] = {}

    def add(self, kinds: Iterable[Kind], place: object = None) -> None:
        """Count the faults of an entry.

        Args:
            kinds: what is wrong with the entry.
            place: its id or name. Defaults to None: the whole file.
        """
        for kind in kinds:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            places = self._places.setdefault(kind, [])
            if place is not None and len(places) < SHOWN:
                places.append(str(place))

    def absorb(self, other: Tally) -> None:
        """Add what another has counted.

        Args:
            other: left unchanged.
        """
        for kind, count in other._counts.items():
            self._counts[kind] = self._counts.get(kind, 0) + count
            places = self._places.setdefault(kind, [])
            places += other._places[kind][: SHOWN - len(places)]

    def faults(self, totals: Mapping[str, int]) -> list[Fault]:
        """Return a fault for each kind, in the order in which they were met.

        Args:
            totals: how many entries there are, by noun, e.g. 36781 by 'annotation'.
        """
        return [
            Fault(kind, count, totals.get(kind.noun, 1), tuple(self._places[kind]))
            for kind, count in self._counts.items()
        ]
