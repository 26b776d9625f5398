"""A folder of images for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .raw import SPLITS, Raw, RawImage, is_image, split_of


def read_folders(files: Sequence[Path], root: Path) -> Raw:
    """Read images in folders named after their classes, within folders of splits.

    Args:
        files: all files of the user's.
        root: the user's folder.
    """
    images = []
    for path in filter(is_image, files):
        parts = path.relative_to(root).parts[:-1]
        names = [part for part in parts if part.lower() not in SPLITS]
        if names:
            split = split_of(path, root)
            images.append(RawImage(path, split=split, label=names[0]))
    classes = sorted({image.label or '' for image in images})
    return Raw(f'folders of classes: {len(classes)}', classes, images, declared=True)
