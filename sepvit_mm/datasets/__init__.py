"""Small real datasets, prepared from files in Python wheels."""

from .prepare import DATASETS, Dataset, build, count, prepare
from .wheels import DatasetError

__all__ = ['DATASETS', 'Dataset', 'DatasetError', 'build', 'count', 'prepare']
