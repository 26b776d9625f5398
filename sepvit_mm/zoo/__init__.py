"""The model zoo: what every config claims, and what it is found to be.

``manifest.yml`` holds the claims, by config: the papers' figures, how those were
counted, and the recipe. The rest of this package measures a config by the same terms.
"""

from .manifest import Counted, Family, Model, config_path, families, models
from .size import Size, size_of
from .recipe import resolve_recipe

__all__ = [
    'Counted',
    'Family',
    'Size',
    'Model',
    'config_path',
    'families',
    'size_of',
    'models',
    'resolve_recipe',
]
