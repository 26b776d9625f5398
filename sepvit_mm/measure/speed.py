"""Compare speeds as ratios: models take turns in one process.

Absolute times on a shared machine swing by tens of percent. Ratios of times taken right
after one another, over several rounds, do not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from rich.progress import track

UNSTEADY = 0.15
"""Spread of the reference's times from which they say little."""


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


def spread(times: Sequence[float]) -> float:
    """Return the distance between the quartiles of times, as a share of the median."""
    if len(times) < 2:
        return 0.0
    low, _, high = quantiles(times, n=4, method='inclusive')
    return (high - low) / median(times)


@dataclass(frozen=True)
class Row:
    """How fast a model is.

    Attributes:
        name: of the model in its setting.
        median_seconds: of a batch.
        images_per_second: of all rounds' median.
        speedup: the median over rounds of the reference's time divided by this one's:
            above 1 is faster. Both times of a ratio are from the same round.
        speedup_range: lowest and highest of these ratios.
        spread: see :func:`spread`.
        matrix_share: multiply-accumulates a second, as a share of what the machine
            reaches in a large product of matrices. Defaults to None: not known.
    """

    name: str
    median_seconds: float
    images_per_second: float
    speedup: float
    speedup_range: tuple[float, float]
    spread: float
    matrix_share: float | None = None


def summarize(
    seconds: Mapping[str, list[float]],
    reference: str,
    *,
    images: int = 1,
    work: Mapping[str, float] | None = None,
) -> list[Row]:
    """Reduce rounds to one row per name, relative to a reference.

    Args:
        seconds: the result of :func:`time_in_turns`.
        reference: the name to compare with.
        images: of a batch. Defaults to 1.
        work: seconds that the multiply-accumulates of each would take at the machine's
            matrix speed, by name. Defaults to none.

    Raises:
        ValueError: the reference was not timed.
    """
    if reference not in seconds:
        raise ValueError(f'reference is {reference!r}, but must be in {list(seconds)}')
    rows = []
    for name, times in seconds.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds[reference], times)]
        middle = median(times)
        least = (work or {}).get(name)
        rows.append(
            Row(
                name,
                middle,
                images / middle,
                median(ratios),
                (min(ratios), max(ratios)),
                spread(times),
                least / middle if least else None,
            )
        )
    return rows


def growth(pixels: Sequence[int], seconds: Sequence[float]) -> float:
    """Fit the exponent with which time grows with the pixels of an image.

    Args:
        pixels: of the images, at least two different ones.
        seconds: for each.

    Returns:
        The slope of the line through the logarithms, by least squares.
    """
    x, y = [math.log(p) for p in pixels], [math.log(s) for s in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    rise = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    return rise / sum((a - mean_x) ** 2 for a in x)


def to_markdown(rows: Sequence[Row], reference: str) -> str:
    """Format the rows of :func:`summarize` as a Markdown table.

    Args:
        rows: the rows.
        reference: the name that speeds are relative to.
    """
    has_share = any(row.matrix_share for row in rows)
    more = (' of matrix speed |', '---|') if has_share else ('', '')
    lines = [
        f'| model | median s | images/s | speed relative to {reference} '
        f'| lowest to highest |{more[0]}',
        f'|---|---|---|---|---|{more[1]}',
    ]
    for row in rows:
        low, high = row.speedup_range
        share = f' {row.matrix_share:.0%} |' if row.matrix_share else ' - |'
        lines.append(
            f'| {row.name} | {row.median_seconds:.3f} | {row.images_per_second:.2f} '
            f'| {row.speedup:.2f} | {low:.2f} to {high:.2f} |'
            f'{share if has_share else ""}'
        )
    return '\n'.join(lines)
