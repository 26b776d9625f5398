"""A user's annotated images, in whatever format: read, inspect, show, write."""

from .inspection import Inspection, inspect
from .masks import label_map
from .reading import read
from .sample import Object, Sample, Samples
from .sheet import contact_sheet
from .writing import image_names, images_folder, write_coco, write_masks

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
