"""Read the zoo's manifest, ``manifest.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGE = Path(__file__).parents[1]
# In a wheel the configs are where mim and mmengine look for them, in a checkout beside
# the package.
FOLDERS = (PACKAGE / '.mim/configs', PACKAGE.parent / 'configs')


@dataclass(frozen=True)
class Counted:
    """How a paper counts multiply-accumulates.

    Attributes:
        shape: height and width of the image.
        kinds: what is counted, of :data:`sepvit_mm.measure.macs.KINDS`.
    """

    shape: tuple[int, int]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """What is claimed about one config.

    Attributes:
        name: the config's file name without ``.py``.
        counted: how ``macs`` are counted.
        recipe: as :func:`sepvit_mm.zoo.resolve_recipe` returns it.
        recipe_by: whose recipe it is, ``'authors'`` or ``'us'``. Defaults to
            ``'authors'``.
        parameters: those of the whole model, as published. Defaults to None:
            unpublished.
        macs: multiply-accumulates in G as published. Defaults to None: unpublished.
        macs_corrected: what ``macs`` should be, if the paper has a known slip.
            Defaults to None.
        results: published accuracies in percent, by name; none was measured here.
            Defaults to none.
        also_published: further published figures, accuracies in percent and speeds, by
            name. Defaults to none.
        measured: accuracies in percent measured here, by name. Defaults to none.
        untrained: the same before training. Defaults to none.
        minutes: training time on one CPU core. Defaults to None: not trained.
    """

    name: str
    counted: Counted
    recipe: Mapping[str, Any]
    recipe_by: str = 'authors'
    parameters: float | None = None
    macs: float | None = None
    macs_corrected: float | None = None
    results: Mapping[str, float] = field(default_factory=dict)
    also_published: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    untrained: Mapping[str, float] = field(default_factory=dict)
    minutes: int | None = None

    @property
    def dataset(self) -> str:
        """The dataset, the last word of the name, e.g. ``'coco'``."""
        return _dataset(self.name)


@dataclass(frozen=True)
class Family:
    """The configs of one backbone.

    Attributes:
        backbone: its name in the registry.
        title: title of the paper.
        url: address of the paper.
        source: where the published figures are from.
        models: models by the name of their config.
        code: the authors' repository. Defaults to None: never released.
    """

    backbone: str
    title: str
    url: str
    source: str
    models: Mapping[str, Model]
    code: str | None = None


def _dataset(name: str) -> str:
    return name.rpartition('_')[2]


@cache
def families() -> dict[str, Family]:
    """Return all families, by the name of their backbone."""
    manifest = yaml.safe_load((PACKAGE / 'zoo/manifest.yml').read_text())
    del manifest['_recipes']  # only there for YAML's anchors
    return {
        backbone: _family(backbone, **entry) for backbone, entry in manifest.items()
    }


def _family(
    backbone: str,
    models: Mapping[str, Mapping[str, Any]],
    counted: Mapping[str, Any],
    recipe_by: str = 'authors',
    **paper: str,
) -> Family:
    """Make a family from its entry; a model may override the family's values."""

    def model(name: str, entry: Mapping[str, Any]) -> Model:
        # the small datasets have no paper to follow
        usual = counted.get(_dataset(name), counted['imagenet'])
        how = entry.get('counted', usual)
        how = Counted(tuple(how['shape']), tuple(how['kinds']))
        return Model(name, **{'recipe_by': recipe_by, **entry, 'counted': how})

    by_name = {name: model(name, entry) for name, entry in models.items()}
    return Family(backbone, models=by_name, **paper)


def models() -> dict[str, Model]:
    """Return all models of all families, by the name of their config."""
    return {
        name: model
        for family in families().values()
        for name, model in family.models.items()
    }


def config_path(name: str) -> Path:
    """Return the path of a config, in a checkout or in an installed package.

    Args:
        name: the file name without ``.py``.

    Raises:
        KeyError: the manifest has no such config.
    """
    if name not in models():
        raise KeyError(f'{name} is not one of {", ".join(models())}')
    return configs_folder() / f'{name}.py'


def configs_folder() -> Path:
    """Return the folder of the configs, in a checkout or in an installed package."""
    return next(folder for folder in FOLDERS if folder.is_dir())
