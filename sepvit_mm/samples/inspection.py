"""Inspect annotated images: how many, how large, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from ..annotations import Fault, Kind
from ..atomic import written_whole
from ..errors import InputError
from .sample import Samples, Split
from .writing import annotated_classes

FEW = 10  # annotations of a class: fewer are hardly learned from
SHOWN = 40  # classes in the table
QUANTILES = (0, 0.1, 0.5, 0.9, 1)


@dataclass(frozen=True)
class Inspection:
    """What annotated images are like.

    Attributes:
        samples: the images.
        splits: indices of the images by the name of their split.
        longest: long side of images when they are resized, in pixels.
        counts: by split, how many annotations each class has, and in how many images.
        image_sides: long side of each image in pixels.
        box_sides: side of a square as large as each box, after resizing, in pixels.
        faults: all that is wrong, by kind.
    """

    samples: Samples
    splits: Mapping[Split, Sequence[int]]
    longest: int
    counts: Mapping[Split, tuple[Counter[str], Counter[str]]]
    image_sides: NDArray[np.float64]
    box_sides: NDArray[np.float64]
    faults: tuple[Fault, ...]

    @property
    def unit(self) -> str:
        """What is counted: 'objects', or 'images' that show a class."""
        has_objects = self.samples.task in ('detection', 'instance')
        return 'objects' if has_objects else 'images'

    @property
    def table(self) -> Table:
        """Tables for a terminal: classes by split, sizes, and what is wrong."""
        tables = Table.grid()
        for part in (self._classes(), '', self._sizes(), '', self._faults()):
            tables.add_row(part)
        return tables

    @property
    def json(self) -> dict[str, Any]:
        """The same as numbers and texts."""
        return {
            'format': self.samples.format,
            'task': self.samples.task,
            'images': {split: len(indices) for split, indices in self.splits.items()},
            'classes': {
                name: {
                    split: {'objects': counts[name], 'images': images[name]}
                    for split, (counts, images) in self.counts.items()
                }
                for name in self.samples.classes
            },
            'image_long_side': _quantiles(self.image_sides),
            'resized_long_side': self.longest,
            'box_side_resized': _quantiles(self.box_sides),
            'faults': [
                {
                    'what': fault.kind.what,
                    'count': fault.count,
                    'first': list(fault.places),
                    'then': fault.kind.then,
                }
                for fault in self.faults
            ],
        }

    def picture(self, path: str | Path) -> None:
        """Draw the distributions of classes and sizes.

        Args:
            path: PNG file to write.

        Raises:
            InputError: matplotlib is missing.
        """
        _draw(self, Path(path))

    def _classes(self) -> Table:
        table = Table()
        table.add_column('class', overflow='fold')
        for split in self.splits:
            table.add_column(f'{split}: {self.unit}', justify='right')
            if self.unit == 'objects':
                table.add_column('in images', justify='right')
        total = sum((counts for counts, _ in self.counts.values()), Counter[str]())
        order = sorted(self.samples.classes, key=lambda name: -total[name])
        for name in order[:SHOWN]:
            table.add_row(name, *self._cells(name))
        if len(order) > SHOWN:
            table.add_row(f'and {len(order) - SHOWN} more')
        table.add_section()
        cells = []
        for split, indices in self.splits.items():
            counts, _ = self.counts[split]
            if self.unit == 'objects':
                cells.append(str(counts.total()))
            cells.append(str(len(indices)))
        table.add_row('all', *cells)
        return table

    def _cells(self, name: str) -> list[str]:
        cells = []
        for counts, images in self.counts.values():
            cells += [str(counts[name])]
            cells += [str(images[name])] if self.unit == 'objects' else []
        return cells

    def _sizes(self) -> Table:
        table = Table()
        table.add_column('pixels')
        for name in ('least', '10 %', 'median', '90 %', 'most'):
            table.add_column(name, justify='right')
        table.add_row('long side of images', *_numbers(self.image_sides))
        if len(self.box_sides):
            name = f'side of boxes, at a long side of {self.longest}'
            table.add_row(name, *_numbers(self.box_sides))
        return table

    def _faults(self) -> Table | str:
        if not self.faults:
            return 'Nothing is wrong with the annotations.'
        table = Table()
        for name in ('found', 'times', 'first', 'what is done'):
            right = name == 'times'
            table.add_column(
                name, overflow='fold', justify='right' if right else 'left'
            )
        for fault in self.faults:
            more = ', ...' if fault.count > len(fault.places) else ''
            times = str(fault.count) if fault.kind.noun else ''
            first = ', '.join(fault.places) + more if fault.places else ''
            table.add_row(fault.kind.what, times, first, fault.kind.then)
        return table


def inspect(
    samples: Samples, splits: Mapping[Split, Sequence[int]], longest: int
) -> Inspection:
    """Count and measure annotated images.

    Args:
        samples: the images.
        splits: indices of the images by the name of their split.
        longest: long side of images when they are resized, in pixels.

    Returns:
        The inspection, which also has the faults found while reading.
    """
    counts = {}
    for split, indices in splits.items():
        objects, images = Counter[str](), Counter[str]()
        for index in indices:
            names = list(annotated_classes(samples, index))
            objects.update(names)
            images.update(set(names))
        counts[split] = (objects, images)
    used = sorted({index for indices in splits.values() for index in indices})
    sides, boxes = [], []
    for sample in (samples.samples[index] for index in used):
        side = max(sample.size)
        sides.append(side)
        for each in sample.objects:
            left, top, right, bottom = each.box
            boxes.append(((right - left) * (bottom - top)) ** 0.5 * longest / side)
    faults = (*samples.faults, *_few(samples, counts))
    return Inspection(
        samples, splits, longest, counts, np.array(sides), np.array(boxes), faults
    )


def _few(
    samples: Samples, counts: Mapping[Split, tuple[Counter[str], Counter[str]]]
) -> list[Fault]:
    """Find classes with hardly anything to learn from."""
    learned = counts['train'][0] if 'train' in counts else Counter[str]()
    few = [name for name in samples.classes if learned[name] < FEW]
    if not few:
        return []
    places = tuple(f'{name}: {learned[name]}' for name in few[:3])
    kind = Kind(
        f'class with fewer than {FEW} annotations to learn from',
        'noted',
        'kept; annotate more, or leave the class out',
        'class',
    )
    return [Fault(kind, len(few), len(samples.classes), places)]


def _quantiles(values: NDArray) -> dict[str, float]:
    if not len(values):
        return {}
    numbers = np.quantile(values, QUANTILES)
    names = ('least', 'p10', 'median', 'p90', 'most')
    return {name: round(float(n), 1) for name, n in zip(names, numbers)}


def _numbers(values: NDArray) -> list[str]:
    return [f'{value:.0f}' for value in np.quantile(values, QUANTILES)]


def _draw(inspection: Inspection, path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            'pictures need matplotlib: pip install "sepvit_mm[data]"'
        ) from error
    has_boxes = bool(len(inspection.box_sides))
    rows = min(len(inspection.samples.classes), SHOWN)
    figure = Figure(figsize=(10, max(4.5, 1.5 + 0.22 * rows)), layout='constrained')
    grid = figure.add_gridspec(2 if has_boxes else 1, 2, width_ratios=(3, 2))
    _draw_classes(inspection, figure.add_subplot(grid[:, 0]), rows)
    _draw_sides(figure.add_subplot(grid[0, 1]), inspection.image_sides, 'images')
    if has_boxes:
        axes = figure.add_subplot(grid[1, 1])
        _draw_sides(axes, inspection.box_sides, 'boxes')
        axes.set_xlabel(
            f'side of boxes in pixels, at a long side of {inspection.longest}'
        )
    with written_whole(path) as partial:
        figure.savefig(partial, format='png', dpi=110)


def _draw_classes(inspection: Inspection, axes: Any, rows: int) -> None:
    total = sum((counts for counts, _ in inspection.counts.values()), Counter[str]())
    order = sorted(inspection.samples.classes, key=lambda name: -total[name])[:rows]
    left = np.zeros(len(order))
    for (split, (counts, _)), colour in zip(
        inspection.counts.items(), ('#0072b2', '#e69f00', '#009e73')
    ):
        values = np.array([counts[name] for name in order])
        axes.barh(range(len(order)), values, left=left, color=colour, label=split)
        left = left + values
    # a name is text, even with the signs that matplotlib reads as formulas
    names = [name.replace('$', r'\$') for name in order]
    axes.set_yticks(range(len(order)), names)
    axes.invert_yaxis()
    axes.set_xlabel(inspection.unit)
    axes.legend(frameon=False)
    axes.spines[['top', 'right']].set_visible(False)


def _draw_sides(axes: Any, values: NDArray, what: str) -> None:
    low, high = max(1.0, float(values.min())), max(2.0, float(values.max()))
    if high / low > 4:
        axes.hist(values, bins=np.geomspace(low, high, 31), color='#56b4e9')
        axes.set_xscale('log')
        axes.xaxis.set_major_formatter('{x:.0f}')
    else:
        axes.hist(values, bins=20, color='#56b4e9')
    axes.set_xlabel(f'long side of {what} in pixels')
    axes.set_ylabel(f'number of {what}')
    axes.spines[['top', 'right']].set_visible(False)
