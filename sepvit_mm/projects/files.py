"""Write the annotations of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..samples import image_names, write_coco, write_masks
from ..samples.sample import Samples, Split
from .config import CLASSES, stands_in_config


def write_annotations(
    samples: Samples, splits: Mapping[Split, Sequence[int]], folder: Path
) -> None:
    """Write ``annotations/``, ``masks/`` if there are any, and long lists of classes.

    Args:
        samples: all images.
        splits: indices of the images by the name of their split.
        folder: the folder to write to, which exists.
    """
    (folder / 'annotations').mkdir()
    for split, indices in splits.items():
        path = folder / 'annotations' / split
        if samples.task in ('detection', 'instance'):
            write_coco(samples, indices, path.with_suffix('.json'))
            continue
        lines = image_names(samples, indices)
        if samples.task == 'semantic':
            write_masks(samples, indices, folder / 'masks')
        else:
            number = {name: i for i, name in enumerate(samples.classes)}
            labels = [samples.samples[index].label for index in indices]
            lines = [
                f'{line} {number[label or ""]}' for line, label in zip(lines, labels)
            ]
        _write_lines(path.with_suffix('.txt'), lines)
    if not stands_in_config(samples.classes):
        _write_lines(folder / CLASSES, samples.classes)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')
