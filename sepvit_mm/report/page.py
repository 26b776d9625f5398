"""Put a report together: one file, with all that it shows inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from ..atomic import written_whole
from ..engine import load_config
from ..engine.config import is_address
from ..errors import InputError
from ..measure.machine import versions
from ..version import __version__
from . import compared, progress
from .held_out import HeldOut, count_images, predict_held_out
from .parts import Figure, Findings, Table, number
from .pictures import BUDGET, Example, choose, examples
from .work_dir import WorkDir, read_work_dir

# As distributions, of which the libraries of OpenMMLab have two: mmcv and onedl-mmcv.
LIBRARIES = (
    *('torch', 'mmengine', 'mmcv', 'mmdet', 'mmdetection', 'mmsegmentation'),
    *('mmpretrain', 'faster-coco-eval'),
)


@dataclass
class Section:
    """What the page shows of one run."""

    run: WorkDir
    checkpoint: str = ''
    metrics: Table | None = None
    findings: Findings = field(default_factory=Findings)
    worst: list[Example] = field(default_factory=list)
    random: list[Example] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    config: str = ''
    missing: list[str] = field(default_factory=list)


def write_report(
    work_dirs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    images: int = 20,
    plots: str | Path | None = None,
    device: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Path:
    """Write a page on one or more runs.

    Each run's best checkpoint, or its last one, predicts the test data of the run's
    config once. What is not there, such as the data, is named on the page.

    Args:
        work_dirs: folders that ``train`` wrote to.
        out: the file. Defaults to ``report.html`` in the first folder.
        images: how many of the worst images are shown, and how many others, chosen at
            random. Defaults to 20.
        plots: a folder to write the plots to as well, as PNG files. Defaults to None:
            they are only on the page.
        device: such as 'cuda:1'. Defaults to None: a GPU if there is one.
        overrides: values of the configs by dotted key, e.g. ``{'data_root': DIR}``, as
            for :func:`sepvit_mm.engine.load_config`. Defaults to None.

    Returns:
        The file.

    Raises:
        InputError: a folder has nothing of a run, or a library is missing.
    """
    try:
        import jinja2
    except ImportError as error:
        raise InputError(
            'report needs Jinja2: pip install "sepvit_mm[report]"'
        ) from error
    runs = [read_work_dir(folder) for folder in work_dirs]
    path = Path(out) if out is not None else Path(runs[0].folder) / 'report.html'
    names = distinct([run.name for run in runs])
    budget = BUDGET // max(1, 4 * images * len(runs))
    sections = [_section(run, images, budget, device, overrides) for run in runs]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('sepvit_mm.report', '.'),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found = [section.findings for section in sections]
    training = progress.figures(names, [run.history for run in runs])
    text = environment.get_template('page.html').render(
        title=', '.join(names),
        sections=list(zip(names, sections)),
        progress=training,
        summary=progress.summary(names, [run.history for run in runs]),
        comparison=compared.by_class(names, found),
        version=__version__,
        today=f'{datetime.now():%Y-%m-%d %H:%M}',
    )
    with written_whole(path) as partial:
        partial.write_text(text, encoding='utf-8')
    if plots is not None:
        _write_plots(
            Path(plots),
            {
                'training': training,
                **{name: own.figures for name, own in zip(names, found)},
            },
        )
    return path


def _write_plots(folder: Path, drawn: Mapping[str, Sequence[Figure]]) -> None:
    """Write plots as PNG files, named by run and title."""
    folder.mkdir(parents=True, exist_ok=True)
    for run, figures in drawn.items():
        for figure in figures:
            name = re.sub(r'[^\w.]+', '-', f'{run} {figure.title}').strip('-')
            (folder / f'{name}.png').write_bytes(figure.png)


def distinct(names: Sequence[str]) -> list[str]:
    """Number the names that are there more than once.

    Args:
        names: of the runs.
    """
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(f'{name} ({seen[name]})' if seen[name] > 1 else name)
    return found


def _section(
    run: WorkDir,
    images: int,
    budget: int,
    device: str | None,
    overrides: Mapping[str, Any] | None,
) -> Section:
    section = Section(run, missing=list(run.missing))
    section.facts = list(run.facts.items())
    if run.config is None:
        return section
    with TemporaryDirectory(prefix='sepvit_mm_') as folder:
        try:
            cfg = load_config(run.config, overrides=overrides, work_dir=folder)
        except InputError as error:
            section.missing.append(f'Nothing was predicted: {error}')
            return section
        section.config = run.config.read_text(errors='replace')
        section.facts += _settings(cfg, run)
        section.missing += _unfinished(cfg, run)
        if run.checkpoint is None:
            return section
        why = 'the best one' if run.is_best else 'the last one; training kept no best'
        section.checkpoint = f'{run.checkpoint.name}, {why}'
        try:
            held_out = predict_held_out(cfg, run.checkpoint, device=device)
        except InputError as error:
            section.missing.append(f'Nothing was predicted: {error}')
            return section
        _show(section, held_out, cfg, images, budget)
    return section


def _show(
    section: Section, held_out: HeldOut, cfg: Config, images: int, budget: int
) -> None:
    """Fill in what the predictions say."""
    section.missing += held_out.missing
    values = [[name, _metric(value)] for name, value in held_out.metrics.items()]
    if values:
        section.metrics = Table('Metrics of the test data', ['metric', 'value'], values)
    trained_on = count_images(cfg, 'train_dataloader')
    if trained_on is None:
        section.missing.append('The training data cannot be read here to count it.')
    else:
        section.facts.append(('Training images', f'{trained_on:,}'))
    section.facts.append(('Test images', f'{len(held_out.taken):,}'))
    if held_out.task is None or not held_out.taken:
        return
    section.findings = held_out.task.measure(held_out.taken, held_out.names, cfg)
    chosen = choose(list(section.findings.order), images)
    section.worst, section.random = (
        list(examples(held_out, section.findings, some, budget)) for some in chosen
    )


def _metric(value: Any) -> str:
    try:
        return number(float(value))
    except (TypeError, ValueError):
        return str(value)


def _settings(cfg: Config, run: WorkDir) -> Iterator[tuple[str, str]]:
    """Yield what the config and its log say about weights and data."""
    backbone = cfg.get('model', {}).get('backbone') or {}
    start = (backbone.get('init_cfg') or {}).get('checkpoint')
    if cfg.get('load_from'):
        yield 'Model started from', str(cfg.load_from)
    yield 'Backbone', str(backbone.get('type', 'unknown'))
    yield 'Backbone started from', str(start or 'random numbers')
    for words in run.weights:
        yield 'Weights', words
    for name in ('train', 'test'):
        dataset = (cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}
        file = dataset.get('ann_file') or dataset.get('data_prefix')
        root = dataset.get('data_root') or ''
        if file and not is_address(root):
            yield f'{name.capitalize()} data', f'{root}: {file}'
    yield 'sepvit_mm (report)', __version__
    for package, number_of in versions(LIBRARIES):
        yield f'{package} (report)', number_of


def _unfinished(cfg: Config, run: WorkDir) -> Iterator[str]:
    """Yield a sentence if training stopped before its end."""
    if not run.history.sessions:
        return
    settings = cfg.get('train_cfg') or {}
    interval = ((cfg.get('default_hooks') or {}).get('logger') or {}).get('interval', 1)
    end = settings.get('max_iters')
    if end and run.history.steps + interval <= end:
        yield (
            f'Training stopped before its end: the log ends at step '
            f'{run.history.steps} of {end}.'
        )
    epochs = settings.get('max_epochs')
    every = settings.get('val_interval', 1)
    if epochs and run.history.by_epoch and run.history.epochs + every <= epochs:
        yield (
            f'Training stopped before its end: the last validation is of epoch '
            f'{run.history.epochs} of {epochs}.'
        )
