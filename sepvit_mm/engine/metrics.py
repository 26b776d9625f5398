"""Show metrics as a table, and write them as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from rich.table import Table

from ..atomic import written_whole


def metrics_table(metrics: Mapping[str, Any]) -> Table:
    """Return all metrics as a table, in the evaluator's order.

    Args:
        metrics: values by name, as :func:`evaluate` returns them.
    """
    table = Table()
    table.add_column('metric', overflow='fold')  # not cut: it may name a class
    table.add_column('value', justify='right', overflow='fold')
    for name, value in metrics.items():
        text = f'{value:.3f}' if isinstance(value, Real) else str(value)
        table.add_row(name, text)
    return table


def write_metrics(metrics: Mapping[str, Any], path: str | Path) -> None:
    """Write metrics as one JSON object; NaN and infinity become null.

    Args:
        metrics: values by name, as :func:`evaluate` returns them.
        path: the file; it appears complete or not at all.
    """
    with written_whole(path) as partial:
        partial.write_text(json.dumps(_plain(dict(metrics)), indent=2) + '\n')


def _plain(value: Any) -> Any:
    """Convert a metric for JSON: it may be a list over classes or numpy's number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return str(value)
