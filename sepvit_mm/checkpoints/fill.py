"""Fill a backbone from a checkpoint, and say how far.

Where names do not match, mmengine's own loader loads nothing, with a warning among
many. Here what was filled is counted, reported and, where it is too little, an error.
"""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.logging import MMLogger, print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from ..backbones import FourStageBackbone
from ..backbones.names import to_ours
from .files import CheckpointError, read_state_dict

REPORT = 'pretrained_coverage.json'


@dataclass(frozen=True)
class Coverage:
    """How far a checkpoint filled a backbone; names are the backbone's.

    Attributes:
        checkpoint: where it came from.
        loaded: taken over as they are.
        resized: window tokens, taken over for another grid of windows.
        missing: the backbone has them, the file has not.
        mismatched: in both, of different shapes.
        unexpected: the file has them, the backbone has not.
        filled: share of the backbone's values that was filled, in [0, 1].
        used: share of the file's values that was used, in [0, 1]; classifiers and
            the norms before them, which a backbone does not have, are not counted.
    """

    checkpoint: str
    loaded: tuple[str, ...]
    resized: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unexpected: tuple[str, ...]
    filled: float
    used: float

    def __str__(self) -> str:
        kinds = ('loaded', 'resized', 'missing', 'mismatched', 'unexpected')
        table = Table('part', *kinds, title=f'parameters from {self.checkpoint}')
        counts = {kind: Counter(map(_part_of, getattr(self, kind))) for kind in kinds}
        for part in sorted(set().union(*counts.values())):
            table.add_row(part, *(str(counts[kind][part]) for kind in kinds))
        stream = io.StringIO()
        Console(file=stream, width=100).print(table)
        lines = [
            stream.getvalue().rstrip(),
            f'{self.filled:.1%} of the backbone filled, '
            f'{self.used:.1%} of the file used',
        ]
        for kind in kinds[2:]:
            names = getattr(self, kind)
            if names:
                shown = ', '.join(names[:6])
                more = f' and {len(names) - 6} more' if len(names) > 6 else ''
                lines.append(f'{kind}: {shown}{more}')
        return '\n'.join(lines)

    def write(self, path: str | Path) -> None:
        """Write everything as JSON."""
        Path(path).write_text(json.dumps(asdict(self), indent=2) + '\n')


def fill(
    backbone: FourStageBackbone,
    checkpoint: str | Path,
    *,
    prefix: str | None = None,
    min_coverage: float = 0.85,
    resize_tokens: bool = False,
) -> Coverage:
    """Fill a backbone from a checkpoint, and report how far.

    This is what ``init_cfg=dict(type='Pretrained', checkpoint=...)`` does in every
    backbone of this package; the further arguments may stand in that dict. The names
    may be ours or the authors'. The report is logged, and written to
    ``pretrained_coverage.json`` beside the log file, if there is one.

    Args:
        backbone: the backbone; unchanged where this raises.
        checkpoint: as for :func:`read_state_dict`.
        prefix: take only names that begin so, without it. Default: ``'backbone.'``
            where any name begins so, else nothing.
        min_coverage: the least share of the backbone that must be filled, and of the
            file that must be used, in [0, 1]. The default accepts a SepViT from
            classification in a dense model, which has about a tenth more, and refuses
            another architecture. Above 0, a parameter of another shape is refused too,
            unless it is a window token.
        resize_tokens: resize SepViT's learned window tokens bilinearly where the file
            has another grid of windows, which is our choice. Default: they count as
            mismatched.

    Returns:
        The report.

    Raises:
        CheckpointError: the file cannot be read, has no such prefix, or fills or is
            used too little; the report is in the message.
    """
    state = _select(read_state_dict(checkpoint), prefix, checkpoint)
    kept = to_ours(state, backbone.name_pairs)

    target = backbone.state_dict()
    kinds = ('loaded', 'resized', 'missing', 'mismatched', 'unexpected')
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    fitting, hopeless = {}, False
    for name, place in target.items():
        value = kept.get(name)
        if value is None:
            found['missing'].append(name)
            continue
        kind = 'loaded'
        if value.shape != place.shape:
            value = backbone.resize(name, value)
            if value is not None and value.shape != place.shape:
                value = None  # of other channels too
            hopeless = hopeless or value is None
            value = value if resize_tokens else None
            kind = 'mismatched' if value is None else 'resized'
        found[kind].append(name)
        if value is not None:
            fitting[name] = value
    found['unexpected'] = [name for name in kept if name not in target]

    coverage = Coverage(
        checkpoint=str(checkpoint),
        **{kind: tuple(names) for kind, names in found.items()},
        filled=_size(fitting.values()) / _size(target.values()),
        used=_size(kept[name] for name in fitting) / max(1, _size(kept.values())),
    )
    _report(coverage)
    too_little = min(coverage.filled, coverage.used) < min_coverage
    if too_little or (hopeless and min_coverage > 0):
        raise CheckpointError(
            f'{checkpoint} does not fit {type(backbone).__name__}: at least '
            f'{min_coverage:.0%} of the backbone must be filled and of the file be '
            'used (min_coverage), and no parameter may have another shape.\n'
            f'{coverage}'
        )
    backbone.load_state_dict(fitting, strict=False)
    return coverage


@WEIGHT_INITIALIZERS.register_module(name='Pretrained', force=True)
class Pretrained(PretrainedInit):
    """The initialiser behind ``init_cfg=dict(type='Pretrained', checkpoint=...)``.

    It replaces mmengine's in its registry: a backbone of this package is filled by
    :func:`fill`, any other module by mmengine's loader.

    Args:
        checkpoint: a file or an address.
        prefix: take only names that begin so. Defaults to None.
        map_location: where mmengine's loader puts tensors. Defaults to 'cpu'.
        **options: further arguments of :func:`fill`, for our backbones only.
    """

    def __init__(
        self,
        checkpoint: str,
        prefix: str | None = None,
        map_location: str = 'cpu',
        **options: Any,
    ) -> None:
        super().__init__(checkpoint, prefix, map_location)
        self.options = options

    def __call__(self, module: nn.Module) -> None:
        """Initialise a module.

        Raises:
            CheckpointError: see :func:`fill`.
            TypeError: options of :func:`fill` for a module that is not ours.
        """
        if not isinstance(module, FourStageBackbone):
            if self.options:
                raise TypeError(
                    f"'Pretrained' takes no {', '.join(self.options)} for "
                    f'{type(module).__name__}'
                )
            super().__call__(module)
            return
        try:
            fill(module, self.checkpoint, prefix=self.prefix, **self.options)
        except CheckpointError as error:
            raise CheckpointError(
                f'{error}\nTo start from random weights: --cfg-options '
                'model.backbone.init_cfg=None'
            ) from error
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())


def _select(
    state: dict[str, Tensor], prefix: str | None, origin: str | Path
) -> dict[str, Tensor]:
    """Keep the names with a prefix, without it."""
    given = prefix
    if prefix is None:
        has_backbone = any(name.startswith('backbone.') for name in state)
        prefix = 'backbone.' if has_backbone else ''
    prefix = f'{prefix.rstrip(".")}.' if prefix else ''
    chosen = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    if not chosen:
        beginnings = sorted({name.split('.')[0] for name in state})
        raise CheckpointError(
            f'no name in {origin} begins with {given!r}; they begin with '
            f'{", ".join(beginnings)}'
        )
    return chosen


def _size(values: Iterable[Tensor]) -> int:
    return sum(value.numel() for value in values)


def _part_of(name: str) -> str:
    kind, index, *_ = (*name.split('.'), '')
    return f'{kind} {index}' if kind in ('stages', 'norms') else 'other'


def _report(coverage: Coverage) -> None:
    is_whole = not (coverage.missing or coverage.mismatched)
    level = logging.INFO if is_whole else logging.WARNING
    print_log(f'\n{coverage}', logger='current', level=level)
    for handler in MMLogger.get_current_instance().handlers:
        if isinstance(handler, logging.FileHandler) and is_main_process():
            coverage.write(Path(handler.baseFilename).with_name(REPORT))
