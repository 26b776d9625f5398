"""Prepare a dataset: fetch its archive, check it, and write all files or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..atomic import written_whole
from . import crowns, nuclei, photos, trees
from .archives import ArchiveSource, DatasetError, fetch
from .coco import annotation_file


def has_splits(folder: Path) -> bool:
    """Tell whether a folder has the images of a training and a validation split.

    Args:
        folder: the dataset's folder.
    """
    for split in ('train', 'val'):
        path = annotation_file(folder, split)
        if not path.is_file():
            return False
        names, _ = _contents(path)
        if not all((folder / 'images' / split / name).is_file() for name in names):
            return False
    return True


@dataclass(frozen=True)
class Dataset:
    """How a dataset is made.

    Attributes:
        source: the archive that holds its files.
        license: path of the licence text inside the archive.
        write: ``write(files, folder)`` writes the dataset into a folder, given the
            contents of the archive's files by path.
        is_complete: ``is_complete(folder)`` tells whether all that ``write`` wrote is
            there. Defaults to a check of the images of a training and a validation
            split.
    """

    source: ArchiveSource
    license: str
    write: Callable[[Mapping[str, bytes], Path], None]
    is_complete: Callable[[Path], bool] = has_splits


DATASETS = {
    'trees': Dataset(trees.SOURCE, trees.LICENSE, trees.write),
    'nuclei': Dataset(nuclei.SOURCE, nuclei.LICENSE, nuclei.write),
    'crowns': Dataset(crowns.SOURCE, crowns.LICENSE, crowns.write),
    'photos': Dataset(photos.SOURCE, photos.LICENSE, photos.write, photos.is_complete),
}
"""The datasets by name."""


def prepare(
    name: str, data_root: str | Path = 'data', wheel: str | Path | None = None
) -> Path:
    """Prepare a dataset unless it exists already.

    Args:
        name: a key of :data:`DATASETS`.
        data_root: folder of the datasets. Defaults to 'data'.
        wheel: path of the wheel or source archive, for a machine without a network.
            Defaults to None: pip downloads it.

    Returns:
        The dataset's folder, ``data_root/name``.

    Raises:
        DatasetError: the name is unknown, the archive is unavailable or has
            another digest, or the folder holds something else.
    """
    if name not in DATASETS:
        raise DatasetError(f'no dataset {name!r}, there are {", ".join(DATASETS)}')
    return build(DATASETS[name], Path(data_root) / name, wheel)


def build(dataset: Dataset, folder: Path, wheel: str | Path | None = None) -> Path:
    """Build a dataset in a folder unless it exists already.

    Args:
        dataset: how to make it.
        folder: its folder, which appears once the dataset is complete.
        wheel: as for :func:`prepare`.

    Returns:
        The folder.

    Raises:
        DatasetError: as for :func:`prepare`.
    """
    if folder.exists():
        if not dataset.is_complete(folder):
            raise DatasetError(
                f'{folder} exists and is not a complete dataset: '
                'remove it, or choose another data root'
            )
        return folder
    files = fetch(dataset.source, wheel)
    with written_whole(folder) as partial:
        partial.mkdir()
        dataset.write(files, partial)
        (partial / 'LICENSE').write_bytes(files[dataset.license])
    return folder


def count(folder: str | Path) -> dict[str, tuple[int, int | None]]:
    """Count the images and objects of a dataset.

    Ignore regions are not counted; an object in several training tiles is counted in
    each.

    Args:
        folder: the dataset's folder.

    Returns:
        Numbers of images and objects, by split; of images only, by folder, for a
        dataset that is not split.
    """
    counts: dict[str, tuple[int, int | None]] = {}
    folder = Path(folder)
    if not annotation_file(folder, 'train').is_file():
        for part in sorted(path for path in folder.iterdir() if path.is_dir()):
            counts[part.name] = len(list(part.rglob('*.jpg'))), None
        return counts
    for split in ('train', 'val'):
        names, objects = _contents(annotation_file(folder, split))
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
