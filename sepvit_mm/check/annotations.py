"""Check the annotations that the datasets and evaluators of a config read."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

from ..engine.annotations import find_faults
from ..engine.config import require_data
from ..errors import InputError

PHASES = ('train', 'val', 'test')


def annotation_faults(cfg: Config) -> Iterator[str]:
    """Find faults of COCO files and label maps, a sentence for each kind in a file."""
    phases = []
    for phase in PHASES:
        try:
            require_data(cfg, f'{phase}_dataloader')
        except InputError as error:
            yield str(error)
        else:
            phases.append(phase)
    try:
        yield from map(str, find_faults(cfg, *phases))
    except InputError as error:
        yield str(error)
