"""Show in one file how a model learned, and where it is right and wrong."""

from .page import write_report

__all__ = ['write_report']
