"""Compare speeds as ratios: models take turns in one process.

Absolute times on a shared machine swing by tens of percent. Ratios of times taken right
after one another, over several rounds, do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch
from rich.progress import track


@torch.inference_mode()
def time_in_turns(
    runs: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 5,
    synchronize: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Time several computations, taking turns.

    Args:
        runs: what to time, by name. Each is run once before the clock starts.
        rounds: number of times each is timed. Defaults to 5.
        synchronize: waits for the device, e.g. ``torch.cuda.synchronize``. Defaults to
            nothing.

    Returns:
        Seconds of each round, by name.

    Raises:
        ValueError: ``rounds`` is not positive.
    """
    if rounds < 1:
        raise ValueError(f'rounds is {rounds}, but must be at least 1')
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in track(range(rounds), description='rounds', transient=True):
        for name, run in runs.items():
            synchronize()
            start = time.perf_counter()
            run()
            synchronize()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summarize(seconds: Mapping[str, list[float]], reference: str) -> list[dict]:
    """Reduce rounds to one row per name, relative to a reference.

    The speedup is the median over rounds of the reference's time divided by the row's
    own: above 1 is faster than the reference. Both times of a ratio are from the same
    round.

    Args:
        seconds: the result of :func:`time_in_turns`.
        reference: the name to compare with.

    Returns:
        Rows with ``name``, ``median_seconds``, ``speedup`` and its range over rounds.

    Raises:
        ValueError: the reference was not timed.
    """
    if reference not in seconds:
        raise ValueError(f'reference is {reference!r}, but must be in {list(seconds)}')
    rows = []
    for name, times in seconds.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds[reference], times)]
        rows.append(
            {
                'name': name,
                'median_seconds': median(times),
                'speedup': median(ratios),
                'speedup_range': [min(ratios), max(ratios)],
            }
        )
    return rows


def to_markdown(rows: list[dict], reference: str) -> str:
    """Format the rows of :func:`summarize` as a Markdown table."""
    lines = [
        f'| model | median s | speed relative to {reference} | lowest to highest |',
        '|---|---|---|---|',
    ]
    for row in rows:
        low, high = row['speedup_range']
        lines.append(
            f'| {row["name"]} | {row["median_seconds"]:.3f} '
            f'| {row["speedup"]:.2f} | {low:.2f} to {high:.2f} |'
        )
    return '\n'.join(lines)
