"""Find what commonly goes wrong in a config of this ecosystem, before it trains.

Of these mistakes nothing is said, or it comes out late and far from its cause: keys of
the 2.x era that nobody reads, channels and classes that do not fit, parameters that
learn nothing.
"""

from .checks import Finding, Report, check
from .step import Step, random_batch, training_step

__all__ = ['Finding', 'Report', 'Step', 'check', 'random_batch', 'training_step']
