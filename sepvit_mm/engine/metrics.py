"""Metrics as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from rich.table import Table


def metrics_table(metrics: Mapping[str, Any]) -> Table:
    """All metrics as a table, in the evaluator's order.

    Args:
        metrics: Values by name, as :func:`evaluate` returns them.
    """
    table = Table('metric')
    table.add_column('value', justify='right')
    for name, value in metrics.items():
        number = isinstance(value, Real)
        table.add_row(name, f'{value:.3f}' if number else str(value))
    return table


def write_metrics(metrics: Mapping[str, Any], path: str | Path) -> None:
    """Write metrics as one JSON object; numbers that do not exist become null.

    The file appears complete or not at all.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'{path.name}.partial')
    partial.write_text(json.dumps(_plain(dict(metrics)), indent=2) + '\n')
    os.replace(partial, path)


def _plain(value: Any) -> Any:
    """Make a metric JSON: some are lists over classes, some numbers are numpy's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return str(value)
