"""Checkpoints of any trainer, ours and the authors': read, fill a backbone, convert.

:mod:`.convert` knows the backbones, which use the others; it is imported by its name.
"""

from .fill import Coverage, fill
from .files import CheckpointError, read_file, read_state_dict

__all__ = ['CheckpointError', 'Coverage', 'fill', 'read_file', 'read_state_dict']
