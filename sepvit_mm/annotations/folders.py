"""Find what is wrong with a folder of images for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .fault import Fault, Kind
from .names import listed, plain


def folder_faults(
    folder: Path, classes: Sequence[str] = (), trained: Path | None = None
) -> list[Fault]:
    """Find folders that make mmpretrain number the classes in another order.

    It numbers folders in the order of their names, in which capitals come first. The
    names in the config may be others.

    Args:
        folder: where the folders of the classes are.
        classes: names in the config. Defaults to none.
        trained: where those are that are trained on. Defaults to None: here.
    """
    names = _folders(folder)
    if not classes and trained is not None and names != _folders(trained):
        strange = set(names) ^ set(_folders(trained))
        kind = Kind(
            f'folders are not those of {trained}, which differs in '
            f'{listed(sorted(strange))}',
            'stops',
            'mmpretrain numbers the classes by them, so use the same in both',
        )
        return [Fault(kind)]
    read, named = [*map(plain, names)], [*map(plain, classes)]
    if read != named and sorted(read) == sorted(named):
        kind = Kind(
            f'folders are in the order {listed(names)}, but metainfo.classes is '
            f'{listed(classes)}',
            'stops',
            'mmpretrain numbers the classes by their folders: use their order',
        )
        return [Fault(kind)]
    return []


def _folders(folder: Path) -> list[str]:
    # mmengine leaves hidden ones out
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted(name for name in names if not name.startswith('.'))
