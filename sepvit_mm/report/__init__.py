"""Report what a training did and where its model fails, as one HTML file."""

from .build import write_report

__all__ = ['write_report']
