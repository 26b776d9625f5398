"""Folders of annotated images in every format, and what a format reads of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sepvit_mm.annotations.fault import Fault, Tally
from sepvit_mm.samples.record import Contents, Record

Files = dict[str, str | bytes]
SIZE = (40, 30)


def write(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def read(
    module: Any, data: Path, names: tuple[str, ...] = (), task: str = 'instance'
) -> tuple[Contents, list[Fault]]:
    """Return what a format reads, and what is wrong with it."""
    found = module.find(data, names)
    assert found is not None
    tally = Tally()
    contents = module.read(found, task, tally)
    return contents, tally.faults(contents.totals)


def read_for(
    module: Any, data: Path, task: str, names: tuple[str, ...] = ()
) -> tuple[Contents, dict[str, Fault]]:
    """Return what a format reads for a task, and faults by what is wrong."""
    contents, faults = read(module, data, names, task)
    return contents, {fault.kind.what: fault for fault in faults}


def only(contents: Contents) -> Record:
    assert len(contents.records) == 1, contents.records
    return contents.records[0]


def said(faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    return {fault.kind.what: fault.places for fault in faults}


def splits(contents: Contents, root: Path) -> dict[str, str | None]:
    return {
        record.image.relative_to(root).as_posix(): record.split
        for record in contents.records
        if record.annotated
    }


def photograph(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


# COCO


def entry(**fields: Any) -> dict[str, Any]:
    common = dict(id=1, image_id=1, category_id=1, iscrowd=0, bbox=[10, 20, 30, 40])
    merged = {**common, **fields}
    return {key: value for key, value in merged.items() if value is not ...}


def coco_json(*annotations: dict[str, Any], name: str = 'a.jpg', **lists: Any) -> str:
    content = {
        'images': [dict(id=1, file_name=name, width=100, height=80)],
        'annotations': annotations or [entry()],
        'categories': [dict(id=1, name='cat'), dict(id=2, name='dog')],
        **lists,
    }
    return json.dumps(content)


# Pascal VOC

BOX = '<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>'
CAT = f'<object><name>cat</name>{BOX}</object>'
SIZE_TAG = '<size><width>100</width><height>80</height><depth>3</depth></size>'


def xml(body: str = CAT, filename: str = 'a.jpg', size: str = SIZE_TAG) -> str:
    return f'<annotation><filename>{filename}</filename>{size}{body}</annotation>'


# YOLO

LINE = '0 0.25 0.5 0.3 0.5\n'
YAML = 'train: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n'
