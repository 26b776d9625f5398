"""Metrics as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from rich.table import Table


def metrics_table(metrics: Mapping[str, float]) -> Table:
    """All metrics as a table, in the evaluator's order.

    Args:
        metrics: Values by name, as :func:`evaluate` returns them.
    """
    table = Table('metric')
    table.add_column('value', justify='right')
    for name, value in metrics.items():
        table.add_row(name, f'{value:.3f}')
    return table


def write_metrics(metrics: Mapping[str, float], path: str | Path) -> None:
    """Write metrics as one JSON object; values that do not exist become null.

    The file appears complete or not at all.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {
        name: float(value) if math.isfinite(value) else None
        for name, value in metrics.items()
    }
    partial = path.with_name(f'{path.name}.partial')
    partial.write_text(json.dumps(values, indent=2) + '\n')
    os.replace(partial, path)
