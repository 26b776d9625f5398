"""A report shows how runs learned, and where they are right and wrong."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from annotated import TASKS
from commands import message_in
from noise import (
    config_of_each_task,
    detector_config,
    write_coco,
)
from PIL import Image

from sepvit_mm.cli.main import main
from sepvit_mm.engine import evaluate, load_config
from sepvit_mm.engine.models import build_model
from sepvit_mm.report import write_report
from sepvit_mm.report.classes import Labelled
from sepvit_mm.report.classes import measure as measure_classes
from sepvit_mm.report.compared import by_class
from sepvit_mm.report.curves import curve
from sepvit_mm.report.history import History, read_history
from sepvit_mm.report.matching import Detected, Truths, average_precision, match
from sepvit_mm.report.objects import by_size
from sepvit_mm.report.objects import measure as measure_objects
from sepvit_mm.report.parts import Findings, Matrix, Table
from sepvit_mm.report.pictures import choose
from sepvit_mm.report.pixels import confusion
from sepvit_mm.report.progress import main_metric, summary

HOSTILE = '<b>&"'


class Page(HTMLParser):
    """Tags, their attributes and the text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.source = path.read_text(encoding='utf-8')
        self.feed(self.source)
        self.text = ' '.join(' '.join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def write_log(folder: Path, session: str, rows: list[dict]) -> None:
    path = folder / session / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))


def step(number: int, loss: float, **more) -> dict:
    return dict(lr=0.1, loss=loss, iter=number, step=number, **more)


LOG = [step(1, 2.0), step(2, 1.0), {'metric': 0.5, 'step': 2}]


def write_run(folder: Path, config: Path, name: str = 'iter_2.pth') -> Path:
    """Leave in a folder what training leaves there, with random weights."""
    folder.mkdir(parents=True)
    cfg = load_config(config, work_dir=folder)
    cfg.dump(str(folder / config.name))
    torch.manual_seed(0)
    torch.save({'state_dict': build_model(cfg).state_dict()}, folder / name)
    write_log(folder, '20260101_000000', LOG)
    return folder


CONFIDENT = """
model['test_cfg'] = dict(score_thr=0.0, max_per_img=30)
"""


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp('runs of Zoë')
    made = config_of_each_task(root, CONFIDENT)
    return {task: write_run(root / task, config) for task, config in made.items()}


@pytest.mark.parametrize('task', TASKS)
def test_a_run_of_any_task_has_a_page_that_stands_alone(task, runs, tmp_path, capsys):
    out = tmp_path / 'new folder/bericht ü.html'
    before = {*runs[task].rglob('*')}
    assert main(['report', str(runs[task]), '--out', str(out), '--images', '2']) == 0
    assert str(out) in capsys.readouterr().out
    assert {*runs[task].rglob('*')} == before
    page = Page(out)
    pictures = [attrs for tag, attrs in page.tags if tag == 'img']
    # two of the worst and two others; of a class, there is no truth to draw
    assert len(pictures) == (4 if task == 'classification' else 8)
    assert all(picture['alt'] for picture in pictures)
    assert page.count('svg') >= (5 if task in ('detection', 'instance') else 3)
    assert page.count('caption') == page.count('table') > 3
    assert 'iter_2.pth, the last one' in page.text
    # nothing is loaded, and nothing runs
    assert not {'script', 'link', 'iframe', 'object', 'base'} & {
        tag for tag, _ in page.tags
    }
    for _, attrs in page.tags:
        for name in ('src', 'href', 'xlink:href', 'data', 'action', 'srcset'):
            assert (attrs.get(name) or '#').startswith(('#', 'data:image/jpeg;base64,'))
    assert not re.search(r'@import|url\((?!#)', page.source)
    assert len(page.source) < 5e6


def test_metrics_of_the_page_are_those_of_the_test(runs, tmp_path):
    page = Page(write_report([runs['semantic']], tmp_path / 'x.html', images=0))
    run = runs['semantic']
    cfg = load_config(run / 's.py', work_dir=tmp_path / 'work')
    metrics = evaluate(cfg, run / 'iter_2.pth')
    for name, value in metrics.items():
        assert f'{name} {value:.3f}' in page.text
    assert f'mean IoU {metrics["mIoU"]:.1f}%' in page.text
    assert 'Training images 6 Test images 6' in page.text
    assert page.count('img') == 0


def test_names_cannot_change_the_page(tmp_path):
    coco = write_coco(tmp_path / 'data', (HOSTILE, '$_{x}$'))
    image = coco / 'images/val/0.png'
    odd = 'a <i> "ö" ü.png'
    image.rename(image.with_name(odd))
    path = coco / 'annotations/val.json'
    path.write_text(path.read_text().replace('"0.png"', json.dumps(odd)))
    more = f"""
names = dict(classes=({HOSTILE!r}, '$_{{x}}$'))
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader['dataset']['metainfo'] = names
"""
    config = detector_config(tmp_path / 'c.py', coco, CONFIDENT + more)
    run = write_run(tmp_path / '_<b>run', config)
    page = Page(write_report([run], tmp_path / 'x.html'))
    assert page.count('b') == page.count('figcaption') - page.count('svg')
    assert 'i' not in {tag for tag, attrs in page.tags if 'style' not in attrs}
    assert page.text.count(HOSTILE) > 5 and '$_{x}$' in page.text
    assert odd in page.text and '_<b>run' in page.text


def test_several_runs_are_side_by_side(runs, tmp_path):
    other = tmp_path / 'detection'
    shutil.copytree(runs['detection'], other)
    (other / 'iter_2.pth').rename(other / 'best_bbox_iter_2.pth')
    page = Page(write_report([runs['detection'], other], tmp_path / 'x.html', images=1))
    assert 'best_bbox_iter_2.pth, the best one' in page.text
    alts = [attrs.get('aria-label') or '' for tag, attrs in page.tags if tag == 'div']
    loss = [alt for alt in alts if alt.startswith('Loss')]
    assert loss == ['Loss: detection ends at 1; detection (2) ends at 1']
    assert {'run1', 'run2'} <= {attrs.get('id') for _, attrs in page.tags}
    assert 'AP by class class detection detection (2)' in page.text


def test_runs_are_compared_by_class():
    def found(**values: str) -> Findings:
        rows = [[name, '7', value] for name, value in values.items()]
        return Findings(
            tables=[Table('By class', ['class', 'n', 'AP'], rows)], measure='AP'
        )

    names = ['a', 'b', 'c', 'd']
    other = Findings(tables=[Table('x', ['class', 'IoU'], [])], measure='IoU')
    runs = [Findings(), found(cat='1', dog='2'), other, found(dog='3', cow='4')]
    table = by_class(names, runs)
    assert table.headers == ['class', 'b', 'd']
    assert table.rows == [['cat', '1', '–'], ['dog', '2', '3'], ['cow', '–', '4']]  # noqa: RUF001
    assert by_class(names[:3], runs[:3]) is None


def test_plots_are_written_as_pictures(runs, tmp_path):
    folder = tmp_path / 'new/plots'
    options = ['--out', str(tmp_path / 'x.html'), '--images', '0']
    options += ['--plots', str(folder)]
    assert main(['report', str(runs['detection']), *options]) == 0
    names = {path.name for path in folder.iterdir()}
    assert {'training-Loss.png', 'detection-Precision-and-recall.png'} <= names
    assert len(names) == Page(tmp_path / 'x.html').count('svg')
    for path in folder.iterdir():
        with Image.open(path) as picture:
            assert picture.format == 'PNG' and picture.width > 1000


def test_what_is_there_is_shown_and_what_is_missing_is_named(runs, tmp_path):
    without = tmp_path / 'without'
    shutil.copytree(runs['detection'], without)
    (without / 'iter_2.pth').unlink()
    page = Page(write_report([without]))
    assert 'no complete checkpoint: nothing was predicted' in page.text
    assert page.count('svg') == 3 and (without / 'report.html').is_file()

    no_data = tmp_path / 'no_data'
    shutil.copytree(runs['detection'], no_data)
    page = Page(write_report([no_data], overrides={'data_root': str(tmp_path / 'no')}))
    assert re.search('Nothing was predicted: .*/no, which .* does not exist', page.text)

    only_log = tmp_path / 'only_log'
    write_log(only_log, '1', LOG)
    page = Page(write_report([only_log]))
    assert 'no config' in page.text and page.count('svg') == 3

    interrupted = tmp_path / 'interrupted'
    shutil.copytree(without, interrupted)
    config = interrupted / 'd.py'
    config.write_text(config.read_text().replace('max_iters=2', 'max_iters=900'))
    log = next(interrupted.glob('*/vis_data/scalars.json'))
    log.write_text(log.read_text() + '{"loss": 0.')
    page = Page(write_report([interrupted]))
    assert 'the log ends at step 2 of 900' in page.text
    assert '1 line of the log cannot be read' in page.text


@pytest.mark.parametrize('content', ['', 'absent', 'empty'])
def test_a_folder_without_a_run_is_refused(content, tmp_path, capsys):
    folder = tmp_path / content
    if content == 'empty':
        folder.mkdir()
        (folder / 'photo.png').touch()
    assert main(['report', str(folder), '--out', str(tmp_path / 'x.html')]) == 2
    message = message_in(capsys.readouterr().err)
    assert str(folder) in message and 'work dir' in message
    assert not (tmp_path / 'x.html').exists()


def test_a_resumed_run_is_one_curve(tmp_path):
    write_log(tmp_path, '1', [step(i, float(i)) for i in (10, 20, 30, 40)])
    write_log(tmp_path, '2', [{'metric': 9.0, 'step': 40}])  # a test
    rows = [step(30, 300.0), {'metric': 0.1, 'undefined': -1.0, 'step': 30}]
    write_log(tmp_path, '3', [*rows, step(50, float('nan'))])
    history = read_history(tmp_path)
    assert history.training['loss'] == [(10, 10.0), (20, 20.0), (30, 300.0)]
    assert history.training['lr'][-1] == (50, 0.1)
    assert history.metrics == {'metric': [(30, 0.1)]}
    assert (history.sessions, history.by_epoch, history.steps) == (2, False, 50)
    write_log(tmp_path, '4', [step(60, 1.0), {'metric': 0.2, 'step': 66}])
    assert read_history(tmp_path).steps == 66


def test_runs_are_judged_by_the_metric_of_their_task():
    curves = {'aAcc': [(1, 9.0)], 'mIoU': [(1, 3.0), (2, 2.0)]}
    row = summary(['a'], [History(metrics=curves, sessions=1)]).rows[0]
    assert row[4:] == ['mIoU', '3.000', 'step 1', '2.000']
    assert main_metric(History(metrics={'x/own': [(1, 1.0)]})) == 'x/own'
    both = {f'coco/{kind}_mAP': [(1, 1.0)] for kind in ('bbox', 'segm')}
    assert main_metric(History(metrics=both)) == 'coco/segm_mAP'


def test_metrics_of_epochs_are_counted_in_epochs(tmp_path):
    write_log(
        tmp_path,
        '1',
        [
            step(50, 1.0, epoch=1),
            {'top1': 10.0, 'step': 1},
            step(100, 1.0, epoch=2),
            {'top1': 20.0, 'step': 2},
        ],
    )
    write_log(tmp_path, '2', [step(90, 1.0, epoch=2), {'top1': 30.0, 'step': 2}])
    history = read_history(tmp_path)
    assert history.metrics == {'top1': [(1, 10.0), (2, 30.0)]}
    assert [at for at, _ in history.training['loss']] == [50, 90]


def detected(truth, found, size=(100, 100)) -> Detected:
    """Objects given as label, box, and crowd or score."""
    labels, boxes, crowd = zip(*truth) if truth else ((), (), ())
    found_labels, found_boxes, scores = zip(*found) if found else ((), (), ())
    return Detected(
        size=size,
        labels=np.array(labels, int),
        boxes=np.array(boxes, float).reshape(-1, 4),
        crowd=np.array(crowd, bool),
        outlines=None,
        found_labels=np.array(found_labels, int),
        found_boxes=np.array(found_boxes, float).reshape(-1, 4),
        found_scores=np.array(scores, float),
        found_outlines=None,
    )


SMALL, MEDIUM, LARGE = (0, 0, 10, 10), (20, 20, 40, 40), (30, 30, 90, 90)
# By hand: 0.9 right, 0.8 a cat taken for a dog, 0.7 right, 0.6 false, 0.5 in a crowd.
IMAGES = [
    detected(
        [(0, SMALL, False), (0, MEDIUM, False)],
        [(0, SMALL, 0.9), (1, MEDIUM, 0.8)],
    ),
    detected(
        [(1, LARGE, False), (1, SMALL, True)],
        [(1, LARGE, 0.7), (1, (90, 0, 99, 9), 0.6), (1, SMALL, 0.5)],
    ),
    detected([], []),
]
NAMES = ('cat', 'dog')


def test_the_best_threshold_is_that_of_the_best_f1():
    findings = measure_objects(IMAGES, NAMES, None)
    # at 0.7: 2 of 3 predictions right, 2 of 3 objects found; at 0.9: 1 of 1, 1 of 3
    assert findings.threshold == 0.7
    assert '--score-thr 0.700' in findings.sentences[0]
    assert 'F1 is 0.667' in findings.sentences[0]
    rows = {row[0]: row for row in findings.tables[0].rows}
    assert rows['cat'][1:6] == ['2', '0.505', '0.505', '0.505', '0.900']
    assert rows['dog'][1] == '1' and rows['dog'][5:] == [
        '0.700',
        '0.500',
        '1.000',
        '0.667',
    ]


def test_thresholds_are_equal_to_a_search_over_all():
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 40, 200) / 40
    is_right = rng.random(200) < scores
    found = curve(scores, is_right, 150)

    def f1(threshold):
        kept = scores >= threshold
        return 2 * is_right[kept].sum() / (kept.sum() + 150)

    best = max(sorted(set(scores), reverse=True), key=f1)
    assert (found.threshold, found.f1) == (best, pytest.approx(f1(best)))
    for score, precision, recall, value in found.points:
        kept = scores >= score
        assert precision == pytest.approx(is_right[kept].mean())
        assert recall == pytest.approx(is_right[kept].sum() / 150)
        assert value == pytest.approx(f1(score))


@pytest.mark.parametrize('threshold', [0.0, 0.00012345, 0.05, 0.29999, 0.5, 1.0])
def test_a_threshold_in_words_keeps_what_it_should(threshold):
    rounded = float(curve(np.array([threshold]), np.array([True]), 1).words)
    assert threshold * 0.99 <= rounded <= threshold


def test_objects_are_found_missed_and_taken_for_others():
    findings = measure_objects(IMAGES, NAMES, None)
    assert findings.matrix is not None
    names = [*NAMES, 'background']
    assert findings.matrix.names == names
    # the one at 0.6 is below the threshold, the crowd is never counted
    assert findings.matrix.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert findings.order == [0, 2, 1]
    assert findings.reasons[0] == '1 of a wrong class, 1 right'
    assert findings.reasons[2] == 'nothing to find, nothing found'
    everything = match(Truths(IMAGES, NAMES), by_class=False)
    assert sorted(everything.pairs_of(1)) == [(1, 1), (2, 1)]
    matches = match(Truths(IMAGES, NAMES), by_class=True)
    assert by_size(matches, IMAGES, 0.7) == [
        ('8-16', 1, 0),
        ('16-32', 0, 1),
        ('32-64', 1, 0),
    ]
    assert by_size(matches, IMAGES, 0.8)[-1] == ('32-64', 0, 1)


def test_nothing_annotated_or_predicted_is_said():
    empty = [detected([], [])]
    assert 'no annotated object' in measure_objects(empty, NAMES, None).sentences[0]
    missed = [detected([(0, SMALL, False)], [])]
    findings = measure_objects(missed, NAMES, None)
    assert 'Nothing was predicted' in findings.sentences[0]
    assert findings.reasons == ['missed 1']
    false = [detected([], [(0, SMALL, 0.5)])]
    assert measure_objects(false, NAMES, None).reasons == ['1 false']


def test_average_precision_is_that_of_coco(runs, tmp_path):
    cfg = load_config(runs['detection'] / 'd.py', work_dir=tmp_path)
    from sepvit_mm.report.held_out import predict_held_out

    held_out = predict_held_out(cfg, runs['detection'] / 'iter_2.pth')
    found = average_precision(Truths(held_out.taken, held_out.names))
    for column, name in enumerate(('mAP', 'mAP_50', 'mAP_75')):
        expected = held_out.metrics[f'coco/bbox_{name}']
        assert np.nanmean(found[:, column]) == pytest.approx(expected, abs=6e-4)


def test_pixels_are_counted_by_class():
    truth = np.array([[0, 1, 255], [1, 1, 0]])
    predicted = np.array([[0, 0, 0], [1, 0, 1]])
    assert confusion(truth, predicted, 2, 255).tolist() == [[1, 1], [2, 1]]


def test_classes_are_counted_and_confident_mistakes_come_first():
    given = [((0,), (0.9, 0.1)), ((0,), (0.4, 0.6)), ((1,), (0.8, 0.2))]
    images = [Labelled(t, np.array(s, np.float32)) for t, s in given]
    findings = measure_classes(images, NAMES, None)
    assert findings.matrix is not None
    assert findings.matrix.counts.tolist() == [[1, 1], [1, 0]]
    assert findings.order == [2, 1, 0]
    assert findings.reasons[2] == 'dog (0.20) taken for cat (0.80)'
    assert findings.reasons[0] == 'right: cat (0.90)'
    assert findings.tables[0].rows[0] == ['cat', '2', '50.0', '50.0', '50.0']
    several = [Labelled((0, 1), np.array([0.5, 0.5]))]
    assert 'several classes' in measure_classes(several, NAMES, None).sentences[0]


def test_of_many_classes_those_with_errors_are_shown():
    counts = np.diag(np.arange(50) + 1)
    counts[40, 3] = 7
    largest = Matrix([str(i) for i in range(50)], counts, 'objects').largest()
    assert len(largest.names) == 30 and {'40', '3'} <= {*largest.names}
    row, column = largest.names.index('40'), largest.names.index('3')
    assert largest.counts[row, column] == 7


def test_others_are_chosen_once_and_equally_each_time():
    worst, others = choose(list(range(50)), 20)
    assert worst == list(range(20)) and len({*others}) == 20
    assert not {*worst} & {*others} and choose(list(range(50)), 20) == (worst, others)
    assert choose([2, 0, 1], 20) == ([2, 0, 1], [])
