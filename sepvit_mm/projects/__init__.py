"""From annotated images to a project: a config, annotations, and what they show."""

from .project import Project, new

__all__ = ['Project', 'new']
