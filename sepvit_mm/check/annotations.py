"""Check the annotations that the datasets and evaluators of a config read."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

from ..engine.annotations import Located, read_annotations
from .data import LOADERS


def annotation_faults(cfg: Config) -> Iterator[Located]:
    """Find faults of annotations, and go on with copies where they can be repaired.

    Args:
        cfg: the config, whose data must exist; where a file is repaired, it is changed
            to use the copy, which is in its work dir.

    Raises:
        InputError: ``metainfo.classes`` of a dataset is no list of names.
    """
    phases = (loader.removesuffix('_dataloader') for loader in LOADERS)
    for read in read_annotations(cfg, *phases):
        yield from read.faults
        if not read.stops():
            read.repair(cfg.work_dir)
