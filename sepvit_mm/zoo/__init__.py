"""The model zoo: what every config claims, and what it is found to be.

``manifest.yml`` holds the claims by config: the papers' figures, how they were counted,
and the recipe. The modules beside it read a config's size and recipe off the built
model in the same terms, and print what documents and metafiles show of the manifest.
"""

from .manifest import Counted, Family, Model, config_path, families, models
from .recipe import resolve_recipe
from .size import Size, size_of

__all__ = [
    'Counted',
    'Family',
    'Model',
    'Size',
    'config_path',
    'families',
    'models',
    'resolve_recipe',
    'size_of',
]
