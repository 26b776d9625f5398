"""One module for each format, with the functions of ``samples.record.Format``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ..record import Format
from . import coco, folders, labelme, masks, voc, yolo

FORMATS: Sequence[Format] = cast(
    'Sequence[Format]', (coco, voc, yolo, labelme, masks, folders)
)
"""All formats; the first of several that fit equally is taken."""
