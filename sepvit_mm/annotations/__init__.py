"""Find what is wrong with annotations before they are used, and repair what is safe.

mmdet and mmseg trust both. What they cannot use stops a training late, in its first
evaluation, or falsifies its metrics without a word.
"""

from .coco import Demands, coco_faults, read_coco
from .fault import Fault, Kind
from .folders import folder_faults
from .labels import LabelMaps, label_faults
from .objects import Role
from .repair import repaired, write_copy

__all__ = [
    'Demands',
    'Fault',
    'Kind',
    'LabelMaps',
    'Role',
    'coco_faults',
    'folder_faults',
    'label_faults',
    'read_coco',
    'repaired',
    'write_copy',
]
