"""Tell what annotated images are like: counts by class and split, sizes, faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table

from .sample import Sample, Samples
from .write import label_map


@dataclass(frozen=True)
class Inspection:
    """What annotated images are like.

    Attributes:
        json: all of it, as JSON can hold it.
    """

    json: dict[str, Any]

    @property
    def table(self) -> Group:
        """Tables of classes, sizes and faults, for the package's console."""
        splits = [*self.json['images']]
        unit = self.json['counted']
        classes = Table('class', *[f'{name} {unit} (images)' for name in splits])
        for name, row in self.json['classes'].items():
            cells = [f'{row[s]["count"]} ({row[s]["images"]})' for s in splits]
            classes.add_row(name, *cells)
        classes.add_section()
        total = [str(self.json['images'][s]) for s in splits]
        classes.add_row('images', *total)
        sizes = Table('size after resizing, pixels', 'least', 'median', 'largest')
        for name, values in self.json['sizes'].items():
            if values:
                cells = [f'{v:.0f}' for v in np.quantile(values, (0, 0.5, 1))]
                sizes.add_row(name, *cells)
        parts: list[Any] = [classes, sizes]
        if self.json['faults']:
            faults = Table('what was found', 'number', 'done', 'first')
            for fault in self.json['faults']:
                done = ': '.join(filter(None, (fault['outcome'], fault['then'])))
                first = ', '.join(fault['places'])
                faults.add_row(fault['what'], str(fault['count']), done, first)
            parts.append(faults)
        return Group(*parts)

    def picture(self, path: str | Path) -> None:
        """Draw the distributions of classes and sizes.

        Args:
            path: the PNG to write.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(13, 4.5), layout='constrained')
        FigureCanvasAgg(figure)
        left, middle, right = figure.subplots(1, 3)
        names = [*self.json['classes']][:30]
        base = np.zeros(len(names))
        colours = ('#0072b2', '#e69f00', '#009e73')
        for split, shade in zip(self.json['images'], colours):
            rows = self.json['classes']
            counts = [rows[name][split]['count'] for name in names]
            left.barh(names, counts, left=base, label=split, color=shade)
            base += counts
        left.invert_yaxis()
        left.legend(frameon=False)
        left.set_xlabel(self.json['counted'])
        sizes = self.json['sizes']
        self._histogram(middle, 'image', sizes['image width'], sizes['image height'])
        self._histogram(right, 'box', sizes['box width'], sizes['box height'])
        for axes in (left, middle, right):
            axes.spines[['top', 'right']].set_visible(False)
        figure.savefig(path, dpi=110, format='png')

    @staticmethod
    def _histogram(
        axes: Any, name: str, widths: Sequence[float], heights: Sequence[float]
    ) -> None:
        if not widths:
            axes.set_axis_off()
            return
        low, high = min(*widths, *heights), max(*widths, *heights)
        bins = np.geomspace(max(low, 0.5) * 0.95, max(high, 1) * 1.05, 25)
        axes.hist(widths, bins, alpha=0.6, label='width', color='#0072b2')
        axes.hist(heights, bins, alpha=0.6, label='height', color='#e69f00')
        axes.set_xscale('log')
        axes.set_xlabel(f'{name} size after resizing, pixels')
        axes.legend(frameon=False)


def inspect(
    samples: Samples,
    splits: Mapping[Any, Sequence[int]] | None = None,
    longest: int | None = None,
) -> Inspection:
    """Count classes and measure sizes.

    Args:
        samples: all images.
        splits: indices of images by split. Defaults to None: what the data say.
        longest: images are resized so that their longer side has so many pixels.
            Defaults to None: they are not.
    """
    if splits is None:
        own: dict[str, list[int]] = {}
        for index, sample in enumerate(samples.samples):
            own.setdefault(sample.split or 'all', []).append(index)
        order = ('train', 'val', 'test', 'all')
        splits = {name: own[name] for name in order if name in own}
    classes: dict[str, dict[str, dict[str, int]]] = {n: {} for n in samples.classes}
    for split, indices in splits.items():
        total: Counter[str] = Counter()
        shown: Counter[str] = Counter()
        for index in indices:
            found = _labels(samples, samples.samples[index])
            total += found
            shown.update(found.keys())
        for name in classes:
            classes[name][str(split)] = dict(count=total[name], images=shown[name])
    used = sorted({index for indices in splits.values() for index in indices})
    sizes: dict[str, list[float]] = {
        f'{what} {side}': []
        for what in ('image', 'box')
        for side in ('width', 'height')
    }
    for index in used:
        sample = samples.samples[index]
        scale = longest / max(sample.size) if longest else 1
        sizes['image width'].append(sample.size[0] * scale)
        sizes['image height'].append(sample.size[1] * scale)
        for each in sample.objects:
            left, top, right, bottom = each.box
            sizes['box width'].append((right - left) * scale)
            sizes['box height'].append((bottom - top) * scale)
    objects = any(sample.objects for sample in samples.samples)
    faults = [
        {**fault.kind._asdict(), 'count': fault.count, 'places': [*fault.places]}
        for fault in samples.faults
    ]
    return Inspection(
        dict(
            format=samples.format,
            counted='objects' if objects else 'images',
            images={str(split): len(indices) for split, indices in splits.items()},
            classes=classes,
            sizes=sizes,
            faults=faults,
        )
    )


def _labels(samples: Samples, sample: Sample) -> Counter[str]:
    if sample.label is not None:
        return Counter([sample.label])
    if sample.mask is None:
        return Counter(each.label for each in sample.objects)
    numbers = np.unique(label_map(samples, sample))
    return Counter(samples.classes[n] for n in numbers if n < len(samples.classes))
