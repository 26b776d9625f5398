"""Repair of a COCO file what has only one right value."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .fault import Fault
from .images import size_read, size_said
from .objects import RENUMBER, Entry, is_number


def repaired(
    content: Mapping[str, Any], faults: Sequence[Fault], images: Path | None = None
) -> dict[str, Any]:
    """Return the content of a COCO file without the faults that can be repaired.

    Args:
        content: from :func:`read_coco`; left unchanged.
        faults: what :func:`coco_faults` found in it, none of which ``'stops'``.
        images: folder of the images, for missing sizes. Defaults to None.
    """
    renumber = any(fault.kind in RENUMBER for fault in faults)
    annotations = [_filled(entry) for entry in content['annotations']]
    if renumber:
        annotations = [{**a, 'id': i} for i, a in enumerate(annotations, start=1)]
    sized = [_sized(image, images) for image in content['images']]
    return {**content, 'images': sized, 'annotations': annotations}


def _filled(annotation: Entry) -> dict[str, Any]:
    filled = dict(annotation)
    if filled.get('iscrowd') is None:
        filled['iscrowd'] = 0
    if not is_number(filled.get('area')):
        filled['area'] = filled['bbox'][2] * filled['bbox'][3]
    return filled


def _sized(image: Entry, folder: Path | None) -> dict[str, Any]:
    size = size_said(image) or size_read(image, folder)
    return {**image, **dict(zip(('width', 'height'), size or (), strict=False))}


def write_copy(content: Mapping[str, Any], path: Path) -> None:
    """Write a COCO file that appears whole, though several processes may write it.

    Args:
        content: what to write; the same in all processes.
        path: the file. An existing one is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # a folder for each process, since one name for all would be shared
    with TemporaryDirectory(prefix=f'.{path.name}.', dir=path.parent) as folder:
        partial = Path(folder) / path.name
        partial.write_text(json.dumps(content))
        os.replace(partial, path)
