"""Find in a config the COCO files, label maps and folders of classes that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.fileio import list_from_file
from mmengine.registry import DATASETS

from ..annotations import Demands, LabelMaps, Role
from ..errors import InputError
from .config import datasets_of, evaluators_of, is_address, type_of

# equal: the second needs faster-coco-eval
COCO_METRICS = ('CocoMetric', 'FasterCocoMetric')


@dataclass(frozen=True)
class CocoUse:
    """A part of a config that reads a COCO file.

    Attributes:
        user: its key, e.g. 'val_evaluator'.
        node: the dataset or evaluator, with its ``ann_file``.
        file: that file.
        demands: what it expects of the file.
    """

    user: str
    node: ConfigDict
    file: Path
    demands: Demands


def class_of(dataset: Mapping[str, Any]) -> type | None:
    """Return the class of a dataset in the default scope; None if there is none."""
    kind = dataset.get('type')
    if isinstance(kind, str):
        # get() alone does not search the default scope
        with DATASETS.switch_scope_and_registry(None) as registry:
            return registry.get(kind)
    return kind


def is_file_of_names(text: str) -> bool:
    """Tell whether a text given for classes is a file, as the libraries read it."""
    return is_address(text) or Path(text).is_file()


def classes_of(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a dataset's classes, empty if they are not known.

    Args:
        dataset: part of a config. Its ``metainfo`` may name a file of names, a line
            each; without classes in it, those of the dataset's class apply.

    Raises:
        InputError: ``metainfo.classes`` is a text that names no file.
    """
    names = (dataset.get('metainfo') or {}).get('classes')
    if isinstance(names, str):
        if not is_file_of_names(names):
            raise InputError(
                f'metainfo.classes is the text {names!r}, and no such file exists: '
                f'write a tuple, ({names!r},)'
            )
        names = list_from_file(names)
    names = names or getattr(class_of(dataset), 'METAINFO', {}).get('classes', ())
    return tuple(names)


def coco_uses(cfg: Config, phase: str) -> Iterator[CocoUse]:
    """Yield the datasets and evaluators of a phase that read local COCO files.

    A dataset counts if it reads its file as mmdet's ``CocoDataset`` does. Files of
    LVIS, Objects365 or panoptic segmentation have fields of their own.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        phase: 'train', 'val' or 'test'.
    """
    loader = f'{phase}_dataloader'
    datasets = [node for node in datasets_of(cfg.get(loader) or {}) if _is_coco(node)]
    for node in datasets:
        role: Role = 'train' if phase == 'train' else 'load'
        demands = replace(_demands(node, role), alone=len(datasets) == 1)
        yield CocoUse(loader, node, _path(node, node.ann_file), demands)
    for node in evaluators_of(cfg.get(f'{phase}_evaluator')):
        if datasets and type_of(node) in COCO_METRICS and is_local(node):
            # without a file, it evaluates with what the dataset has read
            reader: Any = node if node.get('ann_file') else datasets[0]
            demands = replace(
                _demands(datasets[0], 'evaluate'),
                masks='segm' in node.get('metric', 'bbox'),
            )
            if node.get('format_only'):
                demands = replace(demands, role='load', masks=False)
            file = _path(reader, reader.ann_file)
            yield CocoUse(f'{phase}_evaluator', reader, file, demands)


def is_local(node: Mapping[str, Any]) -> bool:
    """Tell whether a dataset or evaluator reads files of this machine."""
    prefix = node.get('data_prefix') or {}
    prefixes = prefix.values() if isinstance(prefix, Mapping) else [prefix]
    paths = [node.get('data_root'), node.get('ann_file'), *prefixes]
    return not (node.get('backend_args') or any(map(is_address, paths)))


def _is_coco(dataset: ConfigDict) -> bool:
    is_coco = _reads_as(dataset, 'mmdet.datasets.coco')
    return is_coco and bool(dataset.get('ann_file')) and is_local(dataset)


def _reads_as(dataset: ConfigDict, module: str) -> bool:
    """Tell whether a dataset's annotations are read by the code in a module."""
    reader = getattr(class_of(dataset), 'load_data_list', None)
    return getattr(reader, '__module__', '') == module


def _path(dataset: Mapping[str, Any], name: str) -> Path:
    """Return a path of a dataset, as mmengine joins it to ``data_root``."""
    return Path(dataset.get('data_root') or '', name)


def _demands(dataset: ConfigDict, role: Role) -> Demands:
    own = (dataset.get('metainfo') or {}).get('classes')
    default = f'{type_of(dataset)}, which apply without metainfo.classes'
    filters = dataset.get('filter_cfg') or {}
    pipeline = dataset.get('pipeline')
    images = _path(dataset, (dataset.get('data_prefix') or {}).get('img', ''))
    return Demands(
        classes=classes_of(dataset),
        origin='metainfo.classes' if own else default,
        images=None if _sets(pipeline, 'backend_args') else images,
        role=role,
        masks=_sets(pipeline, 'with_mask'),
        filter_empty=filters.get('filter_empty_gt', False),
        min_size=filters.get('min_size', 0),
    )


def _sets(pipeline: Any, key: str) -> bool:
    """Tell whether any transform, however deep, has a setting that is not false."""
    if isinstance(pipeline, Mapping):
        nested = any(_sets(value, key) for value in pipeline.values())
        return bool(pipeline.get(key)) or nested
    return isinstance(pipeline, (list, tuple)) and any(_sets(x, key) for x in pipeline)


def label_maps(cfg: Config, phase: str) -> Iterator[LabelMaps]:
    """Yield the local label maps of mmseg's datasets in a phase.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        phase: 'train', 'val' or 'test'.
    """
    head = cfg.model.get('decode_head') or {}
    ignored = head.get('ignore_index', 255) if isinstance(head, Mapping) else 255
    for node in datasets_of(cfg.get(f'{phase}_dataloader') or {}):
        bases = getattr(class_of(node), '__mro__', ())
        is_mmseg = any(base.__name__ == 'BaseSegDataset' for base in bases)
        is_read = is_local(node) and not _sets(node.get('pipeline'), 'backend_args')
        if not (is_mmseg and is_read and classes_of(node)):
            continue
        plain = {**node, 'pipeline': [], 'serialize_data': False, 'lazy_init': False}
        dataset = DATASETS.build(plain)
        folder = dataset.data_prefix.get('seg_map_path')
        if folder is None:  # as of a test without ground truth
            continue
        yield LabelMaps(
            folder=Path(folder),
            pairs=[
                (Path(entry['img_path']), Path(entry['seg_map_path']))
                for entry in dataset.data_list
            ],
            classes=classes_of(node),
            reduce_zero_label=dataset.reduce_zero_label,
            label_map=dataset.label_map,
            ignored=ignored,
            images=Path(dataset.data_prefix['img_path']),
            suffixes=(dataset.img_suffix, dataset.seg_map_suffix),
            whole=not dataset.ann_file,
            trains=phase == 'train',
        )


def class_folders(cfg: Config, phase: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the local folders in which mmpretrain finds a folder for each class.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        phase: 'train', 'val' or 'test'.

    Yields:
        The folder, and the names of the classes in the config, if it has any.
    """
    for node in datasets_of(cfg.get(f'{phase}_dataloader') or {}):
        prefix = node.get('data_prefix') or ''
        is_folder = _reads_as(node, 'mmpretrain.datasets.custom')
        labels = node.get('with_label', True) and not node.get('ann_file')
        if is_folder and labels and is_local(node):
            name = prefix if isinstance(prefix, str) else prefix.get('img_path', '')
            yield _path(node, name), classes_of(node)
