"""Write the annotations of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..samples import write_coco, write_masks
from ..samples.sample import Samples, Split
from .config import CLASSES, stands_in_config


def images_folder(samples: Samples) -> Path:
    """Return the deepest folder that all images are in, as an absolute path."""
    folders = {str(sample.image.absolute().parent) for sample in samples.samples}
    return Path(os.path.commonpath(folders))


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
        lines = list(_names(samples, indices))
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


def _names(samples: Samples, indices: Sequence[int]) -> list[str]:
    """Return the paths of images in the folder that all are in."""
    folder = images_folder(samples)
    return [
        samples.samples[index].image.absolute().relative_to(folder).as_posix()
        for index in indices
    ]


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')
