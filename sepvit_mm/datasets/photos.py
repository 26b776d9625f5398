"""Photos: a few annotated photographs in the layouts that users have them in.

Three photographs of Pascal VOC 2011, with boxes and outlines that people drew, and one
each of a cat and a dog, from the examples of labelme. They are too few to learn from;
they show how a layout is read. Nothing is converted: each folder holds the files as
their tool wrote them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from .archives import ArchiveSource

__all__ = ['LICENSE', 'SOURCE', 'is_complete', 'write']

ROOT = 'labelme-6.3.1'
LICENSE = f'{ROOT}/LICENSE'
NAMES = ('2011_000003', '2011_000006', '2011_000025')
BOXES = f'{ROOT}/examples/bbox_detection/data_dataset_voc'
POLYGONS = f'{ROOT}/examples/instance_segmentation/data_annotated'
LABELS = f'{ROOT}/examples/semantic_segmentation/data_dataset_voc'
CLASSES = f'{ROOT}/examples/classification/data_annotated'

PLACES = {
    **{
        f'{folder}/{name}.{suffix}': place
        for name in NAMES
        for folder, suffix, place in (
            (f'{BOXES}/JPEGImages', 'jpg', 'voc_xml/JPEGImages'),
            (f'{BOXES}/Annotations', 'xml', 'voc_xml/Annotations'),
            (POLYGONS, 'jpg', 'labelme'),
            (POLYGONS, 'json', 'labelme'),
            (f'{LABELS}/JPEGImages', 'jpg', 'masks/JPEGImages'),
            (f'{LABELS}/SegmentationClass', 'png', 'masks/SegmentationClass'),
        )
    },
    f'{LABELS}/class_names.txt': 'masks',
    f'{CLASSES}/0001.jpg': 'classes/cat',
    f'{CLASSES}/0002.jpg': 'classes/dog',
}
"""The folder that each file of the archive goes to."""

SOURCE = ArchiveSource(
    project='labelme',
    version='6.3.1',
    members=dict.fromkeys([LICENSE, *PLACES]),
    sha256='2947e0d8341a92faa7b3ee50cf4b672f838051c6bf24892526e95b64fd3a707e',
    packaged='sdist',
)


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the photographs, a folder for each layout.

    ``voc_xml`` has Pascal VOC's xml, ``labelme`` its json beside the images, ``masks``
    palette PNGs and their class names, and ``classes`` a folder for each class.

    Args:
        files: contents of the archive's files by path.
        folder: the folder to write to.
    """
    for path in PLACES:
        target = _target(path, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])


def is_complete(folder: Path) -> bool:
    """Tell whether a folder has all the photographs and annotations.

    Args:
        folder: the dataset's folder.
    """
    return all(_target(path, folder).is_file() for path in PLACES)


def _target(path: str, folder: Path) -> Path:
    return folder / PLACES[path] / PurePosixPath(path).name
