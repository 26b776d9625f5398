"""Predictions of any images, in any form, and none that stops the others."""

from __future__ import annotations

import csv
import json
import shutil
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from annotated import TASKS
from commands import message_in
from mmengine.structures import BaseDataElement, PixelData
from noise import (
    config_of_each_task,
)
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import sepvit_mm
from sepvit_mm.cli.main import main
from sepvit_mm.drawing.colours import OKABE_ITO, colours_of
from sepvit_mm.drawing.masks import run_lengths, union
from sepvit_mm.drawing.paint import paint
from sepvit_mm.drawing.samples import Mask, Shown, cut
from sepvit_mm.engine import evaluate, load_config
from sepvit_mm.engine.models import build_model
from sepvit_mm.errors import InputError
from sepvit_mm.prediction.inputs import find_inputs
from sepvit_mm.prediction.tiles import merged, predict_in_tiles, tiles_of

CONFIDENT = "model['test_cfg'] = dict(score_thr=0.0)\n"


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and checkpoint of each task, with random weights, and its images."""
    root = tmp_path_factory.mktemp('models')
    found = {}
    for task, config in config_of_each_task(root, CONFIDENT).items():
        torch.manual_seed(0)
        checkpoint = config.with_suffix('.pth')
        model = build_model(load_config(config))
        torch.save({'state_dict': model.state_dict()}, checkpoint)
        found[task] = config, checkpoint
    return found, root / 'coco'


def predicted(trained, task, inputs, **options):
    config, checkpoint = trained[0][task]
    return sepvit_mm.predict(config, checkpoint, inputs, **options)


def assert_equal(one: Shown, other: Shown) -> None:
    for name in ('labels', 'scores', 'boxes', 'label_map', 'class_scores'):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('task', TASKS)
def test_broken_files_are_listed_and_the_others_done(task, trained, tmp_path, capsys):
    images = tmp_path / 'images'
    shutil.copytree(trained[1] / 'images/val', images)
    (images / '3.png').write_bytes(b'no image')
    whole = (images / '4.png').read_bytes()
    (images / 'half.png').write_bytes(whole[: len(whole) // 2])
    Image.open(images / '4.png').save(tmp_path / 'whole.jpg')
    whole = (tmp_path / 'whole.jpg').read_bytes()
    (images / 'half.jpg').write_bytes(whole[: len(whole) // 2])  # OpenCV reads it
    (images / 'empty.jpg').touch()
    (images / 'link.png').symlink_to(tmp_path / 'absent.png')
    config, checkpoint = trained[0][task]
    out = tmp_path / 'out'
    command = ['predict', config, checkpoint, images, '--out', out, '--batch-size', 4]
    assert main([str(arg) for arg in (*command, '--score-thr', 0)]) == 1
    with (out / 'failures.csv').open() as file:
        failed = {Path(r['image']).name: r['reason'] for r in csv.DictReader(file)}
    assert set(failed) == {'3.png', 'half.png', 'half.jpg', 'empty.jpg', 'link.png'}
    assert 'truncated' in failed['half.jpg'] and 'is empty' in failed['empty.jpg']
    assert 'no such file' in failed['link.png']
    text = capsys.readouterr().out
    assert '5 of 10 images' in text and '3.png: ' in text
    good = {f'{i}.png' for i in (0, 1, 2, 4, 5)}
    assert {path.name for path in (out / 'pictures').iterdir()} == good
    for name in good:
        with (
            Image.open(out / 'pictures' / name) as drawn,
            Image.open(images / name) as plain,
        ):
            assert drawn.size == plain.size
            assert (np.asarray(drawn) != np.asarray(plain)).any()
    with (out / 'predictions.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert {Path(row['image']).name for row in rows} <= good and rows
    listed = json.loads((out / 'images.json').read_text())
    assert {Path(image['file_name']).name for image in listed['images']} == good
    masks = {path.name for path in out.glob('masks/*')}
    assert masks == (good if task in ('instance', 'semantic') else set())
    # again into the same folder
    assert main([str(arg) for arg in command]) == 2
    assert 'nothing is overwritten' in message_in(capsys.readouterr().err)


@pytest.mark.parametrize('task', TASKS)
def test_batches_of_different_sizes_change_nothing(task, trained, tmp_path):
    for index, size in enumerate([(160, 120), (96, 128), (160, 120)]):
        noise = np.random.default_rng(index).integers(0, 255, (*size, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f'{index}.png')
    one = predicted(trained, task, tmp_path).predictions
    three = predicted(trained, task, tmp_path, batch_size=3).predictions
    assert len(one) == len(three) == 3
    for name, shown in one.items():
        assert_equal(shown, three[name])


@pytest.mark.parametrize('task', TASKS[:3])
def test_a_tile_larger_than_the_image_is_the_image(task, trained):
    image = trained[1] / 'images/val/0.png'
    whole = predicted(trained, task, image).predictions
    tiled = predicted(trained, task, image, tile=512).predictions
    assert_equal(whole[str(image)], tiled[str(image)])


@pytest.mark.parametrize('task', ['detection', 'instance'])
def test_the_json_has_the_ap_of_the_test(task, trained, tmp_path):
    config, checkpoint = trained[0][task]
    cfg = load_config(config, work_dir=tmp_path / 'work')
    truth = trained[1] / 'annotations/val.json'
    images = trained[1] / 'images/val'
    out = predicted(trained, task, truth, out=tmp_path / 'out', image_root=images)
    assert not out.failures
    metrics = evaluate(cfg, checkpoint)
    coco = COCO(str(truth))
    results = coco.loadRes(str(tmp_path / 'out/predictions.json'))
    for kind in ('bbox', 'segm') if task == 'instance' else ('bbox',):
        evaluation = COCOeval(coco, results, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        for place, name in ((0, 'mAP'), (1, 'mAP_50')):
            expected = metrics.get(f'coco/{kind}_{name}')
            assert evaluation.stats[place] == pytest.approx(expected, abs=6e-4)


def test_test_time_augmentation_or_the_reason(trained):
    image = trained[1] / 'images/val/0.png'
    for task in ('detection', 'semantic'):
        plain = predicted(trained, task, image).predictions[str(image)]
        augmented = predicted(trained, task, image, tta=True).predictions[str(image)]
        with pytest.raises(AssertionError):
            assert_equal(plain, augmented)
    with pytest.raises(InputError, match='boxes of augmented images, but not masks'):
        predicted(trained, 'instance', image, tta=True)


@pytest.mark.parametrize(
    'task, options, reason',
    [
        ('classification', dict(tile=64), 'a classifier sees an image whole'),
        ('detection', dict(precision='fp16', device='cpu'), 'fp16 needs a GPU'),
        ('detection', dict(device='abacus'), 'abacus cannot be used'),
        ('detection', dict(tile=64, overlap=1.0), '--overlap is 1.0'),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_written(
    task, options, reason, trained, tmp_path
):
    with pytest.raises(InputError, match=reason):
        image = trained[1] / 'images/val/0.png'
        predicted(trained, task, image, out=tmp_path / 'out', **options)
    assert not (tmp_path / 'out').exists()


def test_ctrl_c_keeps_what_is_written(trained, tmp_path):
    def stopped(batches):
        yield from batches[:2]
        raise KeyboardInterrupt

    images = trained[1] / 'images/val'
    outcome = predicted(
        trained, 'detection', images, out=tmp_path / 'out', track=stopped
    )
    assert outcome.interrupted and outcome.done == 2
    assert len(json.loads((tmp_path / 'out/images.json').read_text())['images']) == 2
    assert len(list((tmp_path / 'out/pictures').iterdir())) == 2


def test_inputs_of_every_kind(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained[1] / 'images/val', 'a/b')
    Path('a/.hidden').mkdir()
    shutil.copy('a/b/0.png', 'a/.hidden/0.png')
    Path('a/notes.md').write_text('no image')
    Path('list.txt').write_text('a/b/0.png\n\na/b/absent.png\n')
    writer = cv2.VideoWriter('v.avi', cv2.VideoWriter_fourcc(*'MJPG'), 5, (64, 64))
    for value in range(0, 250, 50):
        writer.write(np.full((64, 64, 3), value, np.uint8))
    writer.release()

    def names(*inputs, **options):
        return [item.name for item in find_inputs(inputs, **options).items]

    assert names('a') == [f'a/b/{i}.png' for i in range(6)]
    assert names('a/*/[01].png') == ['a/b/0.png', 'a/b/1.png']
    assert names('list.txt') == ['a/b/0.png', 'a/b/absent.png']
    assert names('v.avi', every=2) == [f'v.avi/{i:06d}.png' for i in (0, 2, 4)]
    assert names('a/b/0.png', 'a', 'list.txt', 'v.avi', every=4) == [
        *(f'a/b/{i}.png' for i in range(6)),
        'a/b/absent.png',
        'v.avi/000000.png',
        'v.avi/000004.png',
    ]
    for missing in ('absent', 'x/*.png', 'a/.hidden/*.jpg'):
        with pytest.raises(InputError, match='not found'):
            names(missing)
    outcome = predicted(
        trained, 'classification', ['v.avi', 'list.txt'], every=2, out='out'
    )
    assert outcome.done == 4
    assert [failure.image for failure in outcome.failures] == ['a/b/absent.png']
    first, last = (
        np.asarray(Image.open(f'out/pictures/{name}')).mean()
        for name in ('000000.png', '000004.png')
    )
    assert first < last  # the frames are those of the video


def test_tiles_cover_the_image():
    seen = np.zeros((130, 170), int)
    for left, top, right, bottom in tiles_of(170, 130, 64, 0.25):
        seen[top:bottom, left:right] += 1
        assert right - left == bottom - top == 64
    assert seen.min() >= 1
    assert tiles_of(50, 40, 64, 0.2) == [(0, 0, 50, 40)]


def test_a_tile_decides_no_pixel_near_its_border_within_the_image():
    width, height, size = 170, 130, 64
    tiles = tiles_of(width, height, size, 0.25)

    class Numbers:
        """Says the number of the tile for every pixel of it."""

        is_segmentor = True
        count = 0

        def prepare(self, record):
            return record['img'].shape[:2]

        def __call__(self, batch):
            samples = []
            for shape in batch:
                pixels = PixelData(data=torch.full((1, *shape), self.count))
                samples.append(BaseDataElement(pred_sem_seg=pixels))
                self.count += 1
            return samples

    record = {'img': np.zeros((height, width, 3), np.uint8)}
    found = predict_in_tiles(Numbers(), record, size, 0.25, 4).label_map
    for y, x in product(range(0, height, 3), range(0, width, 3)):
        left, top, right, bottom = tiles[found[y, x]]
        assert left <= x < right and top <= y < bottom
        for near, far, begin, end, whole in (
            (x - left, right - 1 - x, left, right, width),
            (y - top, bottom - 1 - y, top, bottom, height),
        ):
            # an eighth of a tile from every border within the image
            assert begin == 0 or near >= size // 8 - 1
            assert end == whole or far >= size // 8 - 1


def objects(*boxes, label=0, score=0.9):
    masks = [
        Mask(x, y, np.ones((bottom - y, right - x), bool))
        for x, y, right, bottom in boxes
    ]
    count = len(boxes)
    return Shown(
        labels=np.full(count, label),
        scores=np.full(count, score),
        boxes=np.array(boxes, float).reshape(-1, 4),
        masks=masks,
    )


def test_an_object_on_a_border_is_merged_once():
    left = objects((40, 10, 64, 30), (0, 0, 10, 10))
    right = objects((50, 10, 90, 30), score=0.5)
    joined = merged([left, right])
    assert joined.boxes.tolist() == [[40, 10, 90, 30], [0, 0, 10, 10]]
    assert joined.masks[0].pixels.shape == (20, 50) and joined.masks[0].pixels.all()
    assert joined.scores.tolist() == [0.9, 0.9]
    other = objects((50, 10, 90, 30), label=1)
    assert len(merged([left, other]).labels) == 3  # of another class
    nested = objects((0, 0, 40, 40), (5, 5, 35, 35))
    assert len(merged([nested, objects()]).labels) == 2  # of one tile
    assert merged([objects(), objects()]).boxes.shape == (0, 4)


def test_masks_are_encoded_as_coco_does():
    rng = np.random.default_rng(0)
    size = (40, 30)
    for case in range(20):
        mask = np.zeros(size, np.uint8)
        if case:
            top, left = rng.integers(0, 20, 2)
            mask[top : top + case, left : left + 10] = (
                rng.random((case, 10))[: size[0] - top] > 0.3
            )
        if case == 19:
            mask[:] = 1
        encoded = coco_mask.encode(np.asfortranarray(mask))
        assert run_lengths(cut(mask), size)['counts'] == encoded['counts'].decode()
    empty = cut(np.zeros(size))
    assert union([empty, cut(mask)]).pixels.all()


def test_a_picture_is_painted_whatever_is_in_it():
    image = np.full((120, 160, 3), 90, np.uint8)
    classes = ('cat', 'dog')
    colours = colours_of({'classes': classes})
    assert colours == list(OKABE_ITO)
    assert colours_of({'classes': classes, 'palette': [(1, 2, 3)]})[0] == (1, 2, 3)
    for shown in (
        objects((0, 0, 160, 120), (-5, -5, 170, 130)),
        Shown(label_map=np.arange(120 * 160).reshape(120, 160) % 2),
        Shown(class_scores=np.array([0.2, 0.8])),
    ):
        shown = Shown(**{**shown.__dict__, 'masks': None})
        painted = paint(image, shown, classes, colours)
        assert painted.shape == image.shape and (painted != image).any()
    assert (
        paint(image, objects((1, 1, 9, 9), score=0.1), classes, colours) == 90
    ).all()
    small = paint(image[:40, :30], Shown(class_scores=np.ones(2)), classes, colours)
    assert small.shape == (160, 120, 3)
    unknown = Shown(label_map=np.full((120, 160), 255))
    assert (paint(image, unknown, classes, colours) == 90).all()


def test_the_line_around_a_small_object_leaves_it_visible():
    image = np.full((2000, 3000, 3), 90, np.uint8)
    boxes = objects((100, 100, 116, 116), (1000, 500, 2000, 1500))
    shown = Shown(labels=boxes.labels, scores=boxes.scores, boxes=boxes.boxes)
    painted = paint(image, shown, ('cat',), [(250, 0, 0)])
    assert (painted[104:112, 104:112] == 90).all()
    assert (painted[1000, 1000:1008] == (250, 0, 0)).all()
