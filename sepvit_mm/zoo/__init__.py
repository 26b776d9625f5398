"""The model zoo: what every config claims, and what it is found to be.

``manifest.yml`` holds the claims, by config: the papers' figures, how those were
counted, and the recipe. The rest of this package measures a config by the same terms.
"""

from .manifest import Counted, Family, Model, config_path, families, models
from .measure import Measured, measure
from .recipe import resolve_recipe

__all__ = [
    'Counted',
    'Family',
    'Measured',
    'Model',
    'config_path',
    'families',
    'measure',
    'models',
    'resolve_recipe',
]
