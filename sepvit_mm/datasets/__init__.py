"""Small real datasets, prepared from files in Python packages."""

from .archives import DatasetError
from .prepare import DATASETS, Dataset, build, count, prepare

__all__ = ['DATASETS', 'Dataset', 'DatasetError', 'build', 'count', 'prepare']
