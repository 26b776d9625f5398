"""Build the report: read, predict once, measure, draw, write."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from ..atomic import written_whole
from ..engine import load_config
from ..errors import InputError
from ..version import __version__
from . import plots
from .held_out import (
    HeldOut,
    Task,
    coco_content,
    data_counts,
    predict_held_out,
    task_of,
)
from .history import History, Series, read_history
from .labels import measure_classes, measure_maps
from .objects import measure
from .pictures import pair

Advance = Callable[[int, int], None]
MOST_CLASSES = 12  # of which curves are drawn, those with the most objects
SEED = 0  # of the random images


@dataclass
class _Page:
    """What the template shows, and the files beside it."""

    missing: list[str] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)
    advice: list[str] = field(default_factory=list)
    classes: list[dict[str, Any]] = field(default_factory=list)
    judged: list[dict[str, str]] = field(default_factory=list)
    history: list[dict[str, str]] = field(default_factory=list)
    galleries: list[tuple[str, list[dict[str, str]]]] = field(default_factory=list)
    legend: str = ''
    files: dict[str, bytes] = field(default_factory=dict)

    def picture(self, name: str, content: bytes, caption: str, alt: str) -> dict:
        """Put an image into the page and beside it."""
        kind = 'png' if name.endswith('png') else 'jpeg'
        data = base64.b64encode(content).decode()
        self.files[name] = content
        source = f'data:image/{kind};base64,{data}'
        return dict(source=source, alt=alt, caption=caption)


def write_report(
    work_dirs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    split: str = 'val',
    images: int = 20,
    advance: Advance | None = None,
) -> Path:
    """Write a report of trainings as one HTML file, with its pictures in a folder.

    Args:
        work_dirs: folders that trainings wrote to. The first is evaluated; the curves
            of all are side by side.
        out: the HTML file. Defaults to ``report.html`` in the first work dir.
        split: held-out data to evaluate on, 'val' or 'test'. Defaults to 'val'.
        images: how many of the worst images to show, and how many random ones.
            Defaults to 20.
        advance: called with the batches done and all of them. Defaults to None.

    Returns:
        The HTML file.

    Raises:
        InputError: a folder is no work dir, or a library is missing.
    """
    _require_jinja()
    histories = [read_history(folder) for folder in work_dirs]
    first = histories[0]
    out = Path(out or first.work_dir / 'report.html')
    page = _Page(missing=[said for each in histories for said in each.missing])
    _draw_history(page, histories)
    counts: dict[str, str] = {}
    if first.config:
        cfg = load_config(first.config)
        counts = data_counts(cfg)
        if first.checkpoint:
            _evaluate(page, cfg, first.checkpoint, split, images, advance)
    text = _render(page, histories, counts, split)
    with written_whole(out) as partial:
        partial.write_text(text, encoding='utf-8')
    folder = out.with_name(f'{out.stem}_files')
    folder.mkdir(exist_ok=True)
    for name, content in page.files.items():
        (folder / name).write_bytes(content)
    return out


def _draw_history(page: _Page, histories: Sequence[History]) -> None:
    def chart(title: str, wanted: Callable[[str], bool], kind: str) -> None:
        series: Series = {}
        for each in histories:
            for name, points in getattr(each, kind).items():
                if wanted(name) and points:
                    own = (
                        f'{each.work_dir.name}: {name}' if len(histories) > 1 else name
                    )
                    series[own] = points
        if series:
            content = plots.lines(series, 'step', title)
            last = '; '.join(f'{k} {v[-1][1]:.4g}' for k, v in [*series.items()][:6])
            name = f'{title.replace(" ", "_")}.png'
            alt = f'{title} over steps; at the end: {last}'
            page.history.append(page.picture(name, content, f'{title}: {last}', alt))

    chart('loss', lambda n: n == 'loss', 'training')
    chart('parts of the loss', lambda n: 'loss' in n and n != 'loss', 'training')
    chart('learning rate', lambda n: n == 'lr', 'training')
    names = {name for each in histories for name in each.metrics}
    groups: dict[str, set[str]] = {}
    for name in names:  # a percentage and a share need axes of their own
        values = [v for each in histories for _, v in each.metrics.get(name, [(0, 0)])]
        key = 'metrics in percent' if max(values) > 1 else 'metrics'
        groups.setdefault(key, set()).add(name)
    for title, group in sorted(groups.items()):
        chart(title, group.__contains__, 'metrics')


def _evaluate(
    page: _Page,
    cfg: Config,
    checkpoint: Path,
    split: str,
    images: int,
    advance: Advance | None,
) -> None:
    if not cfg.get(f'{split}_dataloader'):
        page.missing.append(f'The config has no {split}_dataloader: not evaluated.')
        return
    try:
        seen = predict_held_out(cfg, checkpoint, split, advance)
    except InputError as error:
        page.missing.append(f'Not evaluated: {error}')
        return
    task = task_of(cfg)
    if task in ('detection', 'instance'):
        _show_objects(page, seen, task, images)
    else:
        _show_labels(page, seen, task, images)


def _show_objects(page: _Page, seen: HeldOut, task: Task, images: int) -> None:
    truth, found = coco_content(seen)
    if not (found and truth['annotations']):
        what = 'detection' if truth['annotations'] else 'annotated object'
        page.missing.append(f'There is no {what} in the held-out images: no AP.')
        return
    result = measure(truth, found, 'segm' if task == 'instance' else 'bbox')
    page.stats, page.classes = result.stats, result.classes
    overall = result.curves['']
    threshold = overall.threshold
    if overall:
        at = overall.at
        page.advice.append(
            f'With --score-thr {threshold:.4g}, F1 is best, {overall.f1[at]:.3f}: '
            f'{overall.precision[at]:.0%} of the detections are right, and '
            f'{overall.recall[at]:.0%} of the objects are found (at IoU 0.5). Give it '
            'to sepvit-mm predict. The table has the best threshold of each class.'
        )
    shown = _most(result.curves, page.classes, 'objects')
    for kind in ('precision-recall', 'F1'):
        alt = f'{kind} curve; the best F1 is at a score of {threshold:.4g}'
        caption = f'{kind} at IoU 0.5; the dots mark the best F1'
        content = plots.curves(shown, kind)
        page.judged.append(page.picture(f'{kind}.png', content, caption, alt))
    names = [*seen.classes, 'background']
    _show_matrix(page, result.confusion, names, f'at a score of {threshold:.4g}')
    said = ', '.join(
        f'{size} {hit} of {hit + miss}' for size, (hit, miss) in result.sizes.items()
    )
    caption = f'Found by size (area below 32², 96² pixels, above): {said}'
    content = plots.sizes(result.sizes)
    page.judged.append(page.picture('sizes.png', content, caption, caption))
    errors = [
        (float(missed + false), f'missed {missed}, {false} false')
        for missed, false in (result.errors[i + 1] for i in range(len(seen.paths)))
    ]
    page.legend = 'Left: the truth. Right: what was predicted above the threshold.'
    _show_images(page, seen, task, errors, images, threshold)


def _show_labels(page: _Page, seen: HeldOut, task: Task, images: int) -> None:
    if task == 'semantic':
        result = measure_maps(seen.truth, seen.found, seen.classes)
        page.legend = 'Left: the truth. Right: what was predicted.'
    else:
        result = measure_classes(seen.truth, np.stack(seen.found), seen.classes)
    page.stats, page.classes = result.stats, result.classes
    if result.curves:
        shown = _most(result.curves, page.classes, 'images')
        for kind in ('precision-recall', 'F1'):
            caption = f'{kind}, each class against the others; dots mark the best F1'
            content = plots.curves(shown, kind)
            page.judged.append(page.picture(f'{kind}.png', content, caption, caption))
        for row in page.classes:
            if line := result.curves[row['class']]:
                row['score threshold of best F1'] = line.threshold
    unit = 'pixels' if task == 'semantic' else 'images'
    _show_matrix(page, result.confusion, list(seen.classes), unit)
    _show_images(page, seen, task, result.errors, images, 0.0)


def _most(curves: dict, rows: list[dict[str, Any]], count: str) -> dict:
    ranked = sorted(rows, key=lambda row: -row[count])[:MOST_CLASSES]
    names = [''] if '' in curves else []
    if len(rows) > 1 or not names:
        names += [row['class'] for row in ranked]
    return {name: curves[name] for name in names}


def _show_matrix(page: _Page, matrix: Any, names: list[str], what: str) -> None:
    content = plots.matrix(matrix, names, names)
    right = np.trace(matrix) / max(matrix.sum(), 1)
    alt = f'Confusion matrix {what}; {right:.0%} are on the diagonal'
    caption = f'Confusion matrix, {what}; rows are the truth'
    page.judged.append(page.picture('confusion.png', content, caption, alt))


def _show_images(
    page: _Page,
    seen: HeldOut,
    task: Task,
    errors: Sequence[tuple[float, str]],
    count: int,
    threshold: float,
) -> None:
    order = sorted(range(len(errors)), key=lambda i: -errors[i][0])
    worst = [i for i in order if errors[i][0] > 0][:count]
    chosen = random.Random(SEED).sample(range(len(errors)), min(count, len(errors)))
    for kind, indices in (('worst', worst), ('random', sorted(chosen))):
        shown = []
        for rank, index in enumerate(indices, start=1):
            name = Path(seen.paths[index]).name
            said = f'{name}: {errors[index][1]}'
            if task == 'classification':
                said += f' (truth {seen.classes[seen.truth[index]]})'
            try:
                content = pair(seen, index, task, threshold)
            except Exception as error:  # of any kind: the image may be unreadable
                page.missing.append(f'{name} cannot be shown: {error}')
                continue
            shown.append(page.picture(f'{kind}_{rank:02}.jpg', content, said, said))
        title = {'worst': 'The worst images', 'random': 'Random images'}[kind]
        page.galleries.append((f'{title} ({len(shown)} of {len(errors)})', shown))


def _require_jinja() -> None:
    try:
        import jinja2  # noqa: F401  only this command needs it
    except ImportError as error:
        raise InputError(
            'Jinja2 is not installed: pip install "sepvit_mm[report]"'
        ) from error


def _figure(value: Any) -> str:
    """Write a number for a table."""
    if value is None or value != value:
        return '-'
    return f'{value:.3f}' if isinstance(value, float) else str(value)


def _render(
    page: _Page, histories: Sequence[History], counts: dict[str, str], split: str
) -> str:
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader('sepvit_mm.report', ''), autoescape=True
    )
    environment.filters['figure'] = _figure
    first = histories[0]
    subtitle = 'not evaluated'
    if first.checkpoint and page.stats:
        kind = 'best' if first.is_best else 'last'
        subtitle = f'{first.checkpoint.name}, the {kind} checkpoint, on {split} data'
    runs = [
        {
            'run': str(each.work_dir),
            'steps': max((p[-1][0] for p in each.training.values() if p), default=None),
            **{n: float(p[-1][1]) for n, p in each.metrics.items() if p},
        }
        for each in histories
    ]
    columns = {name: None for row in runs for name in row}
    runs = [{name: row.get(name) for name in columns} for row in runs]
    details: list[tuple[str, dict[str, str]]] = [('Data', counts)]
    for each in histories:
        own = {'sepvit_mm of this report': __version__, **each.environment}
        own['runs joined'] = ', '.join(each.runs) or 'none'
        details.append((f'Versions, machine, seed: {each.work_dir}', own))
        details.append(
            (f'Coverage of pretrained weights: {each.work_dir}', each.coverage)
        )
        weights = {str(i): line for i, line in enumerate(each.weights, start=1)}
        details.append((f'Weights, as the log says: {each.work_dir}', weights))
    configs = {
        str(each.config): each.config.read_text() for each in histories if each.config
    }
    return environment.get_template('page.html').render(
        title='Report of ' + ', '.join(_name(each.work_dir) for each in histories),
        subtitle=subtitle,
        runs=runs,
        details=details,
        configs=configs,
        **{key: value for key, value in vars(page).items() if key != 'files'},
    )


def _name(work_dir: Path) -> str:
    """Return a name for a run; that of its project if the folder is only called run."""
    path = work_dir.absolute()
    return path.parent.name if path.name == 'run' else path.name
