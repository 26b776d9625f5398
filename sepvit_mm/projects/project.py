"""Make a project: from a folder of annotated images to a config that trains on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine.config import Config

from ..atomic import written_whole
from ..check import Report, check
from ..engine import load_config
from ..errors import InputError
from ..samples import Inspection, contact_sheet, images_folder, inspect, read
from ..samples.sample import Samples, Task
from .choices import Choices, choose, length_for
from .config import write_config
from .files import write_annotations
from .machine import Machine
from .methods import method_for
from .splits import Splits, require_share, split
from .status import status
from .timing import time_steps
from .weights import choose_start

CONFIG = 'config.py'


@dataclass(frozen=True)
class Project:
    """A folder with all that a training needs, and how it came about.

    Attributes:
        folder: its path as it was given.
        samples: the images as they were read.
        splits: which images are for what.
        inspection: what the images are like, and what is wrong with them.
        choices: what was chosen, and why.
        report: what ``check`` found.
    """

    folder: Path
    samples: Samples
    splits: Splits
    inspection: Inspection
    choices: Choices
    report: Report

    @property
    def config(self) -> Path:
        """The config."""
        return self.folder / CONFIG

    @property
    def images(self) -> Path:
        """The folder that all images are in."""
        return images_folder(self.samples)


def new(
    data: str | Path | Samples,
    task: Task,
    out: str | Path,
    *,
    backbone: str | None = None,
    method: str | None = None,
    val: float | str | Path | None = None,
    minutes: float | None = None,
    weights: str | Path | None = None,
    seed: int = 0,
) -> Project:
    """Make a project from annotated images.

    Args:
        data: the images and annotations, in any format that
            :func:`sepvit_mm.samples.read` recognises, or what it has read. They stay
            where they are.
        task: what is to be learned from them.
        out: the folder to write; it must be empty or not exist. It appears whole or
            not at all.
        backbone: name of the backbone, e.g. 'pale-t'. Defaults to None: LITv2-S if its
            weights are given, or if there is a GPU and its authors' can be fetched;
            else SepViT-Lite.
        method: name of the detector or segmentor. Defaults to None: the task's first.
        val: share of the images to validate on, if the data have no validation set; or
            a folder of images to validate on. Defaults to None: 0.2 of them.
        minutes: length of the training; a few steps are timed. Defaults to None: by
            the number of objects or images.
        weights: file of the backbone's weights. Defaults to None: its authors'.
        seed: seed of the split. Defaults to 0.

    Returns:
        The project.

    Raises:
        InputError: an argument cannot be used, or too few images can.
    """
    out = Path(out)
    _require_empty(out)
    if minutes is not None and minutes <= 0:
        raise InputError(f'minutes is {minutes:g}, but must be more than 0')
    how = method_for(task, method)
    share, folder = (None, Path(val)) if isinstance(val, (str, Path)) else (val, None)
    if share is not None:
        require_share(share)
    if not isinstance(data, Samples) and not Path(data).exists():
        raise InputError(f'{data} does not exist')
    machine = Machine.here()
    start = choose_start(task, machine.device, backbone, weights)
    samples = data if isinstance(data, Samples) else read(Path(data), task, val=folder)
    if samples.task != task:
        raise InputError(
            f'task is {task}, but the samples were read for {samples.task}'
        )
    with status('Dividing images'):
        splits = split(samples, share=share, seed=seed)
    choices = choose(samples, splits, start, how, machine)
    with written_whole(out) as partial:
        partial.mkdir()
        with status('Writing annotations'):
            write_annotations(samples, splits.by_name, partial)
        if minutes is not None:
            choices = _for_minutes(minutes, samples, splits, choices, partial)
        with status('Inspecting images'):
            inspection = inspect(samples, splits.by_name, choices.input.side)
            (partial / 'inspection.json').write_text(
                json.dumps(inspection.json, indent=2) + '\n'
            )
            inspection.picture(partial / 'inspection.png')
            contact_sheet(samples, partial / 'samples.png')
        _write(samples, splits, choices, out.absolute(), partial)
    with status('Checking the config'):
        report = check(load_config(out / CONFIG), gpus=1, on_data=True)
    return Project(out, samples, splits, inspection, choices, report)


def _require_empty(out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise InputError(f'{out} exists already: remove it or name another folder')


def _write(
    samples: Samples, splits: Splits, choices: Choices, final: Path, folder: Path
) -> None:
    """Write the config of a project that will lie in ``final``."""
    text = write_config(choices, splits, samples.classes, final, images_folder(samples))
    (folder / CONFIG).write_text(text, encoding='utf-8')


def _for_minutes(
    minutes: float, samples: Samples, splits: Splits, choices: Choices, folder: Path
) -> Choices:
    """Choose the length of training by the time that steps take."""
    with _loaded(samples, splits, choices, folder) as cfg:
        pace = time_steps(cfg)
    steps, evaluations, more = length_for(minutes, pace, len(splits.val))
    reason = f'{minutes:g} min at {pace.step:.2f} s a step'
    if more:
        reason += f', and {more:.0f} s to evaluate at the end'
    if steps < choices.steps:
        reason += f'; {choices.steps} steps would suit the data'
    return replace(choices, steps=steps, evaluations=evaluations, steps_reason=reason)


@contextmanager
def _loaded(
    samples: Samples, splits: Splits, choices: Choices, folder: Path
) -> Iterator[Config]:
    """Load the config of a project before the project is whole."""
    _write(samples, splits, choices, folder.absolute(), folder)
    try:
        yield load_config(folder / CONFIG)
    finally:
        (folder / CONFIG).unlink()
