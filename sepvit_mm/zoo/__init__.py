"""The model zoo: what is claimed about every config, and what it turns out to be.

``manifest.yml`` holds the claims by config: the papers' figures, how they were counted,
and the recipe. The modules beside it determine size and recipe from the built model, in
the same terms, and turn the manifest into tables and metafiles.
"""

from .manifest import (
    Counted,
    Family,
    Model,
    config_path,
    configs_folder,
    families,
    models,
)
from .recipe import resolve_recipe
from .size import Size, size_of

__all__ = [
    'Counted',
    'Family',
    'Model',
    'Size',
    'config_path',
    'configs_folder',
    'families',
    'models',
    'resolve_recipe',
    'size_of',
]
