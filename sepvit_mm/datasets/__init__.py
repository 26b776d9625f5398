"""Small real datasets, prepared from files that Python wheels carry."""

from .prepare import DATASETS, Dataset, build, count, prepare
from .wheels import DatasetError

__all__ = ['DATASETS', 'Dataset', 'DatasetError', 'build', 'count', 'prepare']
