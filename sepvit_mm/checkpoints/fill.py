"""Fill a backbone from a checkpoint, and report what was filled.

mmengine's own loader skips names that do not match, with one warning among many. Here a
report accounts for every parameter, and filling too few of them is an error.
"""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.logging import MMLogger, print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from rich.table import Table
from torch import Tensor, nn

from ..atomic import written_whole
from ..backbones import FourStageBackbone
from ..backbones.names import OWN_PARTS, to_ours
from ..terminal import console
from .files import BACKBONE, CheckpointError, read_state_dict

REPORT = 'pretrained_coverage.json'


@dataclass(frozen=True)
class Coverage:
    """Report on what a checkpoint filled of a backbone.

    Parameters are listed by their names in the backbone.

    Attributes:
        checkpoint: the file or address.
        loaded: parameters that were loaded as they are.
        resized: window tokens that were resized to another grid of windows.
        missing: parameters that only the backbone has.
        mismatched: parameters that have another shape in the file.
        unexpected: parameters that only the file has.
        filled: share of the backbone's values that were filled, in [0, 1].
        used: share of the file's values that were used, in [0, 1], not counting a
            classifier and the norm before it, which are not part of a backbone.
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
        console(stream, width=100).print(table)
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
        """Write the report as JSON, completely or not at all.

        Args:
            path: the file to write.
        """
        with written_whole(path) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + '\n')


def fill(
    backbone: FourStageBackbone,
    checkpoint: str | Path,
    *,
    prefix: str | None = None,
    min_coverage: float = 0.85,
    resize_tokens: bool = False,
) -> Coverage:
    """Fill a backbone from a checkpoint, and report what was filled.

    This is what ``init_cfg=dict(type='Pretrained', checkpoint=...)`` does in every
    backbone of this package; that dict takes the other arguments too. The names in the
    file may be ours or the authors'. The report is logged, and written to
    ``pretrained_coverage.json`` beside the log file, if there is one.

    Args:
        backbone: the backbone to fill; unchanged if this raises.
        checkpoint: as for :func:`read_state_dict`.
        prefix: load only the names with this prefix, and remove it. Defaults to
            ``'backbone.'`` if any name begins with that, else to none.
        min_coverage: the least share of the backbone that must be filled, and of the
            file that must be used, in [0, 1]. Above 0, parameters of another shape are
            refused too, except window tokens. Defaults to 0.85, which lets a SepViT
            from classification fill a dense one, which has about a tenth more
            parameters, but refuses another architecture.
        resize_tokens: resize SepViT's learned window tokens bilinearly if the file has
            another grid of windows, which is our choice, not the paper's; otherwise
            they count as mismatched. Defaults to False.

    Returns:
        The report.

    Raises:
        CheckpointError: the file cannot be read, has no names with the prefix, fills
            too little or is used too little; the message has the report.
    """
    state = _select(read_state_dict(checkpoint), prefix, checkpoint)
    given = to_ours(state, backbone.name_pairs)
    fitting, resizable = _sort(given, backbone)
    taken = {**fitting, **resizable} if resize_tokens else fitting

    target = backbone.state_dict()
    coverage = Coverage(
        checkpoint=str(checkpoint),
        loaded=tuple(fitting),
        resized=tuple(resizable) if resize_tokens else (),
        missing=tuple(name for name in target if name not in given),
        mismatched=tuple(n for n in target if n in given and n not in taken),
        unexpected=tuple(name for name in given if name not in target),
        filled=share(taken, target),
        used=share(taken, given),
    )
    _report(coverage)
    is_too_little = min(coverage.filled, coverage.used) < min_coverage
    of_other_shape = set(coverage.mismatched) - resizable.keys()
    if is_too_little or (of_other_shape and min_coverage > 0):
        raise CheckpointError(
            f'{checkpoint} does not fit {type(backbone).__name__}: at least '
            f'{min_coverage:.0%} of the backbone must be filled and {min_coverage:.0%} '
            'of the file used (min_coverage), and no parameter may have another '
            'shape.\n'
            f'{coverage}'
        )
    backbone.load_state_dict(taken, strict=False)
    return coverage


def share(names: Iterable[str], state: Mapping[str, Tensor]) -> float:
    """Compute the share of a state dict's values that some of its names hold.

    Args:
        names: names in ``state``.
        state: tensors by name.

    Returns:
        The share, in [0, 1]; 0 if there are no values.
    """
    held = sum(state[name].numel() for name in names)
    return held / max(1, sum(value.numel() for value in state.values()))


@WEIGHT_INITIALIZERS.register_module(name='Pretrained', force=True)
class Pretrained(PretrainedInit):
    """The initialiser that ``init_cfg=dict(type='Pretrained', ...)`` names.

    It replaces mmengine's in the registry: backbones of this package are filled by
    :func:`fill`, all other modules by mmengine's loader as before.

    Args:
        checkpoint: a file or an address.
        prefix: load only the names with this prefix. Defaults to None: all, or as
            :func:`fill` says.
        map_location: where mmengine's loader puts the tensors. Defaults to 'cpu'.
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
        """Initialise a module from the checkpoint.

        Args:
            module: a backbone of this package, or any other module.

        Raises:
            CheckpointError: :func:`fill` refuses the checkpoint.
            TypeError: an option is not an argument of :func:`fill`, or there are
                options but the module is not a backbone of this package.
        """
        if isinstance(module, FourStageBackbone):
            try:
                fill(module, self.checkpoint, prefix=self.prefix, **self.options)
            except CheckpointError as error:
                raise CheckpointError(
                    f'{error}\nTo start from random weights: --cfg-options '
                    'model.backbone.init_cfg=None'
                ) from error
            if hasattr(module, '_params_init_info'):  # mmengine's log of what was done
                update_init_info(module, self._get_init_info())
        elif self.options:
            raise TypeError(
                f"'Pretrained' takes no {', '.join(self.options)} for "
                f'{type(module).__name__}, which is not a backbone of sepvit_mm'
            )
        else:
            super().__call__(module)


def _select(
    state: dict[str, Tensor], prefix: str | None, origin: str | Path
) -> dict[str, Tensor]:
    """Keep the names that begin with a prefix, and remove it."""
    given = prefix
    if prefix is None:
        prefix = BACKBONE if any(name.startswith(BACKBONE) for name in state) else ''
    prefix = f'{prefix.rstrip(".")}.' if prefix else ''
    chosen = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    if not chosen:
        beginnings = sorted({name.split('.')[0] for name in state})
        raise CheckpointError(
            f'no name in {origin} begins with {given!r}; names begin with '
            f'{", ".join(beginnings)}'
        )
    return chosen


def _sort(
    given: Mapping[str, Tensor], backbone: FourStageBackbone
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Split off the values that fit as they are, and resize others where possible."""
    fitting, resizable = {}, {}
    for name, place in backbone.state_dict().items():
        if name not in given:
            continue
        if given[name].shape == place.shape:
            fitting[name] = given[name]
            continue
        resized = backbone.resize(name, given[name])
        if resized is not None and resized.shape == place.shape:
            resizable[name] = resized
    return fitting, resizable


def _part_of(name: str) -> str:
    return ' '.join(name.split('.')[:2]) if name.startswith(OWN_PARTS) else 'other'


def _report(coverage: Coverage) -> None:
    """Log a report, and write it beside each log file."""
    is_whole = not (coverage.missing or coverage.mismatched)
    level = logging.INFO if is_whole else logging.WARNING
    print_log(f'\n{coverage}', logger='current', level=level)
    for handler in MMLogger.get_current_instance().handlers:
        if isinstance(handler, logging.FileHandler) and is_main_process():
            coverage.write(Path(handler.baseFilename).with_name(REPORT))
