"""Read checkpoints, fill a backbone, load a whole model, and convert files.

Importing this package makes ``init_cfg=dict(type='Pretrained', ...)`` fill our
backbones by :func:`fill`.
"""

from .convert import Conversion, convert
from .files import CheckpointError, read_file, read_state_dict
from .fill import Coverage, Pretrained, fill
from .whole import latest_checkpoint, load_entirely, require_fit

__all__ = [
    'CheckpointError',
    'Conversion',
    'Coverage',
    'Pretrained',
    'convert',
    'fill',
    'latest_checkpoint',
    'load_entirely',
    'read_file',
    'read_state_dict',
    'require_fit',
]
