"""A user's annotated images, in whatever format: read, inspect, split, write."""

from .read import read
from .sample import Object, Sample, Samples
from .write import label_map, write_coco, write_masks

__all__ = [
    'Object',
    'Sample',
    'Samples',
    'label_map',
    'read',
    'write_coco',
    'write_masks',
]
