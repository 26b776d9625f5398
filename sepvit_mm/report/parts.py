"""The parts that a report is made of, whatever the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..drawing.samples import Shown

LARGEST = 30
"""Classes of a confusion matrix; of more, those with the most errors are shown."""


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: what the table shows.
        headers: of its columns.
        rows: cells as they are printed.
    """

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A plot with its legend.

    Attributes:
        title: what the plot shows.
        svg: the plot, to be put into a page.
        png: the plot with its title and legend, as a file of its own.
        alt: the plot in words.
        legend: names of lines or bars, with their colours.
    """

    title: str
    svg: str
    png: bytes
    alt: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows are the truth, columns what was predicted.

    Attributes:
        names: of rows and columns.
        counts: shape N, N.
        unit: what is counted.
    """

    names: Sequence[str]
    counts: NDArray
    unit: str

    @property
    def shares(self) -> NDArray:
        """Each count as a share of its row."""
        total = self.counts.sum(1, keepdims=True)
        return self.counts / np.maximum(total, 1)

    def largest(self) -> Matrix:
        """Keep the rows and columns with the most errors, if there are too many."""
        if len(self.names) <= LARGEST:
            return self
        wrong = self.counts - np.diag(np.diag(self.counts))
        order = np.argsort(-(wrong.sum(0) + wrong.sum(1)), kind='stable')
        kept = np.sort(order[:LARGEST])
        names = [self.names[index] for index in kept]
        return Matrix(names, self.counts[np.ix_(kept, kept)], self.unit)


@dataclass(frozen=True)
class Findings:
    """What the predictions of a model say about it.

    Attributes:
        sentences: the most important, in words.
        tables: the first one by class.
        measure: the column of that table by which runs are compared. Defaults to none.
        figures: curves and bars.
        matrix: what is taken for what. Defaults to None.
        order: images from the worst to the best, by index.
        reasons: what is wrong with each image, in words.
        threshold: least score of an object to draw. Defaults to 0.
    """

    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    measure: str = ''
    figures: Sequence[Figure] = ()
    matrix: Matrix | None = None
    order: Sequence[int] = ()
    reasons: Sequence[str] = ()
    threshold: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Truth and prediction of an image, to be drawn.

    Attributes:
        truth: None if it is only told in words.
        predicted: None if it is only told in words.
        words: what else is to be told. Defaults to nothing.
    """

    truth: Shown | None
    predicted: Shown | None
    words: str = field(default='')


def number(value: float, digits: int = 3) -> str:
    """Print a number of a table; a dash if it is undefined.

    Args:
        value: the number.
        digits: after the point. Defaults to 3.
    """
    return f'{value:.{digits}f}' if np.isfinite(value) else '–'  # noqa: RUF001


def counted(count: int, noun: str, plural: str = '') -> str:
    """Print a count with its noun, e.g. '1 image', '2 images'.

    Args:
        count: the number.
        noun: for one.
        plural: for another number. Defaults to the noun with an s.
    """
    return f'{count:,} {noun if count == 1 else plural or noun + "s"}'
