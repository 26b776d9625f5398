"""Predict images with a trained model, and write what people look at or evaluate."""

from .run import Failure, Outcome, predict

__all__ = ['Failure', 'Outcome', 'predict']
