"""Find common mistakes in OpenMMLab configs before training.

Without a check these mistakes stay silent, or show up late and far from their cause:
ignored keys of the 2.x era, channels and classes that do not fit, parameters that learn
nothing.

Each check is a function that yields a sentence for every mistake it finds; the modules
are named after what they check.
"""

from .checks import Finding, Report, check
from .step import Step, random_batch, training_step

__all__ = ['Finding', 'Report', 'Step', 'check', 'random_batch', 'training_step']
