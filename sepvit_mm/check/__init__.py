"""Find what commonly goes wrong in a config of this ecosystem, before it trains.

These mistakes otherwise go unsaid, or come out late and far from their cause: keys of
the 2.x era that are ignored, channels and classes that do not fit, parameters that
learn nothing.

The checks are functions that yield a sentence for every mistake they find, in a module
for each thing that they look at.
"""

from .checks import Finding, Report, check
from .step import Step, random_batch, training_step

__all__ = ['Finding', 'Report', 'Step', 'check', 'random_batch', 'training_step']
