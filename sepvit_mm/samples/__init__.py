"""A user's annotated images, in whatever format: read, inspect, split, write."""

from .inspection import Inspection, inspect
from .read import read
from .sample import Object, Sample, Samples
from .sheet import contact_sheet
from .write import image_names, images_folder, label_map, write_coco, write_masks

__all__ = [
    'Inspection',
    'Object',
    'Sample',
    'Samples',
    'contact_sheet',
    'image_names',
    'images_folder',
    'inspect',
    'label_map',
    'read',
    'write_coco',
    'write_masks',
]
