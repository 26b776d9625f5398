"""Trained models as folders that predict without PyTorch."""

from .exporting import export
from .folder import is_exported
from .model import evaluate_exported

__all__ = ['evaluate_exported', 'export', 'is_exported']
