"""Read the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGE = Path(__file__).parents[1]
# Configs lie in the checkout, and in a wheel where mim and mmengine look for them.
FOLDERS = (PACKAGE / '.mim/configs', PACKAGE.parent / 'configs')


@dataclass(frozen=True)
class Counted:
    """How a paper counts multiply-accumulates.

    Attributes:
        shape: height and width of the image.
        kinds: what is counted, of :data:`sepvit_mm.complexity.KINDS`.
    """

    shape: tuple[int, int]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """What is claimed of one config.

    Attributes:
        name: stem of the config's file.
        counted: how ``macs`` are counted.
        recipe: see :func:`sepvit_mm.zoo.resolve_recipe`.
        recipe_by: 'authors', or 'us' where there is none of theirs.
        parameters: of the whole model, as exact as published; None where unpublished.
        macs: multiply-accumulates in G as published; None where unpublished.
        macs_corrected: what ``macs`` should have been, where that is a known slip.
        results: published accuracies in percent, by name. None was measured here.
        also_published: further published figures, accuracies in percent and speeds.
        measured: accuracies in percent that were measured here, by name.
        untrained: the same of the model before training.
        handed_over: the same after training from a backbone trained here before.
        minutes: what training took, on two CPU cores.
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
    handed_over: Mapping[str, float] = field(default_factory=dict)
    minutes: int | None = None

    @property
    def dataset(self) -> str:
        """Last word of the name, e.g. 'coco'."""
        return self.name.rpartition('_')[2]


@dataclass(frozen=True)
class Family:
    """The configs of one backbone.

    Attributes:
        backbone: its name in the registry.
        title: the paper's.
        url: the paper's.
        source: where published figures were read.
        models: by name.
        code: the authors' repository; None where there is none.
    """

    backbone: str
    title: str
    url: str
    source: str
    models: Mapping[str, Model]
    code: str | None = None


@cache
def families() -> dict[str, Family]:
    """All families, by the backbone's name."""
    manifest = yaml.safe_load((PACKAGE / 'zoo/manifest.yml').read_text())
    manifest.pop('_recipes')
    return {
        backbone: _family(backbone, **entry) for backbone, entry in manifest.items()
    }


def _family(
    backbone: str,
    models: dict[str, dict],
    counted: dict[str, dict],
    recipe_by: str = 'authors',
    **paper: str,
) -> Family:
    def model(name: str, entry: dict) -> Model:
        dataset = name.rpartition('_')[2]
        # the small datasets have no paper to follow
        how = entry.pop('counted', None) or counted.get(dataset, counted['imagenet'])
        how = Counted(tuple(how['shape']), tuple(how['kinds']))
        return Model(name, how, **{'recipe_by': recipe_by, **entry})

    entries = {name: model(name, dict(entry)) for name, entry in models.items()}
    return Family(backbone, models=entries, **paper)


def models() -> dict[str, Model]:
    """All models of all families, by the name of their config."""
    return {
        name: model
        for family in families().values()
        for name, model in family.models.items()
    }


def config_path(name: str) -> Path:
    """The file of a config, in a checkout or in an installed package.

    Args:
        name: Stem of the file.

    Raises:
        KeyError: There is no such config in the manifest.
    """
    if name not in models():
        raise KeyError(f'{name} is not one of {", ".join(models())}')
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    return folder / f'{name}.py'
