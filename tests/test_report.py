"""A report shows what a training did and where its model fails."""

import json
import re

import numpy as np
import pytest
from noise import (
    classifier_config,
    detector_config,
    segmentor_config,
    write_coco,
    write_labels,
    write_masks,
)

from sepvit_mm.engine import load_config, train
from sepvit_mm.errors import InputError
from sepvit_mm.report import write_report
from sepvit_mm.report.history import read_history
from sepvit_mm.report.labels import measure_maps
from sepvit_mm.report.objects import curve, measure

TASKS = {
    'detection': (detector_config, write_coco, {}),
    'instance': (detector_config, write_coco, {'masks': True}),
    'semantic': (segmentor_config, write_masks, {}),
    'classification': (classifier_config, write_labels, {}),
}

OFTEN = {'default_hooks.logger.interval': 1}


def references(text: str) -> list[str]:
    """All that a page would load or link to."""
    return re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]*)""", text)


@pytest.mark.parametrize('task', TASKS)
def test_every_task_has_a_report(task, tmp_path):
    config, write, options = TASKS[task]
    path = config(tmp_path / 'c.py', write(tmp_path / 'data'), **options)
    work_dir = tmp_path / 'a <b>&" ä run'
    more = 'model.test_cfg.score_thr' if task == 'detection' else None
    overrides = {**OFTEN, more: 0.0} if more else OFTEN
    train(load_config(path, overrides=overrides, work_dir=work_dir), seed=0)
    before = {p: p.read_bytes() for p in work_dir.glob('*.py')}
    out = write_report([work_dir], tmp_path / 'out/r.html', images=3)
    text = out.read_text()
    assert '<b>&"' not in text and '&lt;b&gt;&amp;' in text
    assert all(each.startswith('data:image/') for each in references(text))
    assert text.count('alt="') == text.count('<img ')
    for heading in ('Training', 'How it was made'):
        assert heading in text
    if task != 'instance':  # which may find nothing after two steps
        assert {'confusion.png', 'worst_01.jpg', 'random_03.jpg', 'loss.png'} <= {
            p.name for p in (tmp_path / 'out/r_files').iterdir()
        }
    assert before == {p: p.read_bytes() for p in work_dir.glob('*.py')}


def _scalars(work_dir, stamp, lines, end=''):
    folder = work_dir / stamp / 'vis_data'
    folder.mkdir(parents=True)
    text = '\n'.join(json.dumps(line) for line in lines)
    (folder / 'scalars.json').write_text(text + end)


def test_resumed_runs_are_joined_and_a_cut_line_is_left_out(tmp_path):
    first = [{'loss': 9 - i, 'step': i, 'iter': i} for i in range(1, 5)]
    _scalars(tmp_path, '20260101_000000', first, '\n{"loss": 3, "st')
    _scalars(
        tmp_path,
        '20260101_000001',
        [{'loss': 1.0, 'step': 3}, {'AP': 0.5, 'AP_l': -1.0, 'step': 3}],
    )
    history = read_history(tmp_path)
    assert history.training == {'loss': [(1, 8), (2, 7), (3, 1.0)]}
    assert history.metrics == {'AP': [(3, 0.5)]}
    assert len(history.runs) == 2


def test_an_interrupted_training_says_what_is_missing(tmp_path):
    for name in ('one', 'two'):
        lines = [{'loss': 2.0, 'lr': 0.1, 'step': 1}]
        _scalars(tmp_path / name, '20260101_000000', lines)
    text = write_report([tmp_path / 'one', tmp_path / 'two']).read_text()
    assert 'no complete checkpoint' in text and 'no validation yet' in text
    assert 'one: loss 2; two: loss 2' in text


def test_without_the_data_there_is_the_rest(tmp_path):
    path = detector_config(tmp_path / 'c.py', write_coco(tmp_path / 'data'))
    cfg = load_config(path, overrides=OFTEN, work_dir=tmp_path / 'w')
    train(cfg, seed=0)
    (tmp_path / 'data').rename(tmp_path / 'moved')
    text = write_report([tmp_path / 'w']).read_text()
    assert 'Not evaluated: ' in text and 'does not exist' in text
    assert 'alt="loss over steps' in text


@pytest.mark.parametrize('make', [False, True], ids=['absent', 'empty'])
def test_a_folder_without_a_training_is_refused(make, tmp_path):
    if make:
        (tmp_path / 'x').mkdir()
    with pytest.raises(InputError, match='work dir of a training'):
        write_report([tmp_path / 'x'])


def test_the_best_threshold_is_that_of_the_highest_f1():
    line = curve([0.9, 0.8, 0.8, 0.3], [True, True, False, False], 3)
    assert line.scores.tolist() == [0.9, 0.8, 0.3]
    assert line.precision == pytest.approx([1, 2 / 3, 1 / 2])
    assert line.recall == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert (line.threshold, line.f1[line.at]) == pytest.approx((0.8, 2 / 3))
    assert not curve([], [], 3)


def _entry(image, category, box, **more):
    return dict(image_id=image, category_id=category, bbox=box, **more)


def test_detections_are_counted_as_by_hand():
    far = [150, 150, 20, 20]
    boxes = [
        _entry(1, 1, [0, 0, 20, 20]),  # found
        _entry(1, 2, [50, 50, 40, 40]),  # taken for class 1
        _entry(2, 1, [0, 0, 100, 100]),  # missed
        _entry(2, 2, [100, 100, 100, 100], iscrowd=1),  # what is in it does not count
    ]
    annotations = [
        {'iscrowd': 0, **b, 'id': i, 'area': b['bbox'][2] * b['bbox'][3]}
        for i, b in enumerate(boxes, start=1)
    ]
    truth = dict(
        images=[dict(id=i, width=200, height=200) for i in (1, 2)],
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
        annotations=annotations,
    )
    found = [
        _entry(1, 1, [0, 0, 20, 20], score=0.9),
        _entry(1, 1, [50, 50, 40, 40], score=0.8),
        _entry(2, 2, far, score=0.95),
        _entry(2, 2, [100, 0, 20, 20], score=0.9),  # false
        _entry(2, 2, [0, 150, 20, 20], score=0.1),
    ]
    result = measure(truth, found, 'bbox')
    assert result.curves[''].threshold == 0.9  # one of two is right
    assert result.confusion.tolist() == [[1, 0, 1], [0, 0, 1], [0, 1, 0]]
    assert result.sizes == {'small': (1, 0), 'medium': (0, 1), 'large': (0, 1)}
    assert result.errors == {1: (1, 0), 2: (1, 1)}
    cat, dog = result.classes
    assert (cat['objects'], dog['objects']) == (2, 1)
    assert cat['F1'] == pytest.approx(2 / 3) and dog.get('F1', 0) == 0
    # all detections count at a lower threshold: the one in the crowd does not
    assert result.curves[''].precision[-1] == pytest.approx(1 / 4)


def test_label_maps_are_counted_as_by_hand():
    truth = np.array([[0, 0, 1, 255]], np.uint8)
    result = measure_maps([truth], [np.array([[0, 1, 1, 0]], np.uint8)], ['a', 'b'])
    assert result.confusion.tolist() == [[1, 1], [0, 1]]
    assert [row['IoU'] for row in result.classes] == [0.5, 0.5]
    assert result.errors[0][0] == pytest.approx(1 / 3)
