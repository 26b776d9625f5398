"""Find faults in the annotations that a config uses, and mend what can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..annotations import (
    Fault,
    Kind,
    coco_faults,
    folder_faults,
    label_faults,
    read_coco,
    repaired,
    write_copy,
)
from ..errors import InputError
from .sources import CocoUse, class_folders, coco_uses, label_maps


class Located(NamedTuple):
    """A fault of annotations, and whom it concerns.

    Attributes:
        source: the COCO file, or the folder of label maps or classes.
        users: keys of the config that read it, e.g. ``('val_dataloader',)``.
        fault: what is wrong.
    """

    source: Path
    users: tuple[str, ...]
    fault: Fault

    def __str__(self) -> str:
        return f'{self.source} ({", ".join(self.users)}): {self.fault}'


class Read(NamedTuple):
    """Annotations that were read.

    Attributes:
        faults: what is wrong with them.
        uses: who reads them, if they are a COCO file.
        content: that file's content.
    """

    faults: list[Located]
    uses: Sequence[CocoUse] = ()
    content: Mapping[str, Any] = MappingProxyType({})

    def stops(self) -> list[Located]:
        """Return the faults that would end a run or falsify its results."""
        return [each for each in self.faults if each.fault.kind.outcome == 'stops']

    def repair(self, work_dir: str | Path) -> Path | None:
        """Repair what is safe to repair in a copy, and make the config use that.

        Args:
            work_dir: where to write it, into the folder ``annotations``.

        Returns:
            The copy; None if there is nothing to repair.
        """
        faults = [each.fault for each in self.faults]
        if not any(fault.kind.outcome == 'repaired' for fault in faults):
            return None
        copy = _copy_of(self.uses[0].file, Path(work_dir))
        write_copy(repaired(self.content, faults, self.uses[0].demands.images), copy)
        for use in self.uses:
            use.node.ann_file = str(copy)
        return copy


def mend_annotations(cfg: Config, *phases: str) -> list[str]:
    """Make a config use copies of its COCO files, with what is safe to repair repaired.

    The user's files remain as they are; the copies are in the work dir.

    Args:
        cfg: from :func:`load_config`; changed in place.
        phases: any of 'train', 'val' and 'test'; their data must exist.

    Returns:
        A warning for each repair, and for each fault that does not matter enough to
        stop.

    Raises:
        InputError: a fault would end the run or falsify its results.
    """
    warnings: list[str] = []
    for read in read_annotations(cfg, *phases):
        if stops := read.stops():
            more = f' ({len(stops) - 1} more: sepvit-mm check --on-data lists all)'
            raise InputError(f'{stops[0]}{more if len(stops) > 1 else ""}')
        warnings += map(str, read.faults)
        if copy := read.repair(cfg.work_dir):
            warnings.append(f'the repaired copy of {read.uses[0].file} is {copy}')
    return warnings


def read_annotations(cfg: Config, *phases: str) -> Iterator[Read]:
    """Read the annotations of a config, one COCO file after the other.

    Each COCO file is loaded once, as mmdet itself does for each dataset and evaluator;
    of label maps, a sample is opened.

    Args:
        cfg: from :func:`load_config`; left unchanged, unless :meth:`Read.repair` is
            called.
        phases: any of 'train', 'val' and 'test'; their data must exist.

    Yields:
        What was read, with its faults.

    Raises:
        InputError: ``metainfo.classes`` of a dataset is no list of names.
    """
    init_default_scope(cfg.get('default_scope') or 'mmengine')
    by_file: dict[Path, list[CocoUse]] = {}
    for phase in phases:
        for use in coco_uses(cfg, phase):
            by_file.setdefault(use.file.resolve(), []).append(use)
    images: dict[Path, set[Any]] = {}
    for file, uses in by_file.items():
        try:
            content = read_coco(file)
        except InputError as error:
            fault = Fault(Kind(str(error), 'stops', ''))
            yield Read(_merged((use.file, use.user, fault) for use in uses))
            continue
        images[file] = {str(image.get('id')) for image in content['images']}
        faults = _merged(
            (use.file, use.user, fault)
            for demands, several in _groups((use.demands, use) for use in uses)
            for fault in coco_faults(content, demands)
            for use in several
        )
        yield Read(faults, uses, content)
    yield Read([*_strangers(by_file, images)])
    yield Read(_label_faults(cfg, phases))
    yield Read(_folder_faults(cfg, phases))


def _copy_of(file: Path, work_dir: Path) -> Path:
    """Return the path for a copy; files of several folders may have one name."""
    folder = crc32(str(file.parent.resolve()).encode())
    return work_dir.resolve() / 'annotations' / f'{file.stem}-{folder:08x}.json'


def _label_faults(cfg: Config, phases: Sequence[str]) -> list[Located]:
    maps = [(each, phase) for phase in phases for each in label_maps(cfg, phase)]
    return _merged(
        (each.folder, f'{phase}_dataloader', fault)
        for each, several in _groups(maps)
        for fault in label_faults(each)
        for phase in several
    )


def _folder_faults(cfg: Config, phases: Sequence[str]) -> list[Located]:
    trained = [folder for folder, _ in class_folders(cfg, 'train') if folder.is_dir()]
    return _merged(
        (folder, f'{phase}_dataloader', fault)
        for phase in phases
        for folder, classes in class_folders(cfg, phase)
        for fault in folder_faults(folder, classes, next(iter(trained), None))
    )


Key = TypeVar('Key')
Value = TypeVar('Value')


def _groups(pairs: Iterable[tuple[Key, Value]]) -> list[tuple[Key, list[Value]]]:
    """Collect the values of equal keys, so that each key is worked on once."""
    groups: list[tuple[Key, list[Value]]] = []
    for key, value in pairs:
        for known, values in groups:
            if known == key:
                values.append(value)
                break
        else:
            groups.append((key, [value]))
    return groups


def _merged(found: Iterable[tuple[Path, str, Fault]]) -> list[Located]:
    """Say once what several parts of a config share."""
    users: dict[tuple[Path, Fault], dict[str, None]] = {}  # a set, in order
    for source, user, fault in found:
        users.setdefault((source, fault), {})[user] = None
    return [Located(path, tuple(keys), fault) for (path, fault), keys in users.items()]


def _strangers(
    by_file: Mapping[Path, Sequence[CocoUse]], images: Mapping[Path, set[Any]]
) -> Iterator[Located]:
    """Find an evaluator that reads a file about other images than the dataloader's."""
    uses = [(file, use) for file, several in by_file.items() for use in several]
    for file, use in uses:
        phase, part = use.user.split('_')
        loader = f'{phase}_dataloader'
        files = {path for path, other in uses if other.user == loader}
        if part == 'dataloader' or file in files or not files <= {*images}:
            continue
        predicted = set().union(*(images[path] for path in files))
        if file in images and predicted != images[file]:
            strange = len(predicted - images[file])
            missed = len(images[file] - predicted)
            kind = Kind(
                f'other images than those of {loader}: {strange} are not in this '
                f'file, and {missed} are only in it',
                'stops' if strange else 'noted',
                f'set ann_file of {use.user} to the file of {loader}',
            )
            yield Located(use.file, (use.user,), Fault(kind))
