"""Compare runs on the test data, class by class."""

from __future__ import annotations

from collections.abc import Sequence

from .parts import Findings, Table

ABSENT = '–'  # noqa: RUF001


def by_class(names: Sequence[str], findings: Sequence[Findings]) -> Table | None:
    """Put what each run reaches on each class side by side.

    Args:
        names: of the runs.
        findings: of the runs.

    Returns:
        A row for each class and a column for each run; None if there are not at least
        two runs with the same measure.
    """
    measure = next((found.measure for found in findings if found.measure), '')
    compared = {
        name: _values(found)
        for name, found in zip(names, findings)
        if found.measure and found.measure == measure
    }
    if len(compared) < 2:
        return None
    classes = dict.fromkeys(cls for values in compared.values() for cls in values)
    rows = [
        [cls, *(values.get(cls, ABSENT) for values in compared.values())]
        for cls in classes
    ]
    return Table(f'{measure} by class', ['class', *compared], rows)


def _values(found: Findings) -> dict[str, str]:
    """Return the measure of each class as the run's own table prints it."""
    table = found.tables[0]
    column = list(table.headers).index(found.measure)
    return {row[0]: row[column] for row in table.rows}
