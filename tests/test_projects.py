"""A project is whole and fits its data: splits, choices, config, files."""

from __future__ import annotations

import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.models.task_modules import AnchorGenerator
from mmdet.structures.bbox import bbox_overlaps
from mmengine.registry import MODELS
from noise import (
    CONFIGS,
    HEIGHT,
    NAMES,
    WIDTH,
    _box,
    write_coco,
    write_images,
    write_masks,
)
from PIL import Image

from sepvit_mm import engine
from sepvit_mm.backbones import litv2, pale, sepvit
from sepvit_mm.cli.main import main
from sepvit_mm.errors import InputError
from sepvit_mm.projects import new, project, timing, weights
from sepvit_mm.projects.anchors import choose_anchors, reached
from sepvit_mm.projects.backbones import BACKBONES
from sepvit_mm.projects.choices import choose, length_for
from sepvit_mm.projects.config import write_config
from sepvit_mm.projects.files import write_annotations
from sepvit_mm.projects.machine import Machine
from sepvit_mm.projects.methods import METHODS
from sepvit_mm.projects.sizes import choose_input
from sepvit_mm.projects.splits import labels_of, split
from sepvit_mm.projects.status import StepStatus, status
from sepvit_mm.projects.timing import Pace
from sepvit_mm.projects.weights import Start
from sepvit_mm.samples.sample import Object, Sample, Samples
from sepvit_mm.zoo import manifest

CPU = Machine(cores=2, memory=24)
GPU = Machine(cores=128, memory=900, gpu='NVIDIA A100-SXM4-80GB', gpu_memory=80)
TASKS = ('detection', 'instance', 'semantic', 'classification')


def classified(labels, digests=None, splits=None) -> Samples:
    """Images of one class each, which need not exist."""
    digests = digests or [f'digest {index}' for index in range(len(labels))]
    splits = splits or [None] * len(labels)
    samples = [
        Sample(Path(f'/images/{i}.jpg'), (64, 64), digest, own, label=label)
        for i, (label, digest, own) in enumerate(zip(labels, digests, splits))
    ]
    return Samples('classification', '', tuple(sorted({*labels})), tuple(samples))


def detected(boxes, size=(1000, 800), count=10) -> Samples:
    """Images with these boxes each, which need not exist."""
    objects = tuple(Object('cat', box) for box in boxes)
    samples = (
        Sample(Path(f'/images/{i}.jpg'), size, str(i), objects=objects)
        for i in range(count)
    )
    return Samples('detection', '', ('cat',), tuple(samples))


def noisy(root: Path, task: str) -> Samples:
    """Images of noise that exist, with annotations for a task."""
    folder = root / 'images/train'
    write_masks(root)
    samples = []
    for index, name in enumerate(write_images(folder)):
        left, top, width, height = _box(index)
        right, bottom = left + width, top + height
        outline = (left, top, right, top, right, bottom, left, bottom)
        label = NAMES[index % 2]
        sample = Sample(folder / name, (WIDTH, HEIGHT), name)
        if task in ('detection', 'instance'):
            objects = (Object(label, (left, top, right, bottom), (outline,)),)
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, objects=objects)
        elif task == 'semantic':
            mask = root / 'masks/train' / name
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, mask=mask)
        else:
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, label=label)
        samples.append(sample)
    values = {0: 0, 1: 1} if task == 'semantic' else {}
    return Samples(task, 'noise', NAMES, tuple(samples), values=values)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from('abc'),
            st.integers(0, 30),
            st.sampled_from([None, 'train', 'val', 'test']),
        ),
        min_size=1,
        max_size=40,
    ),
    st.floats(0.05, 0.95),
)
def test_no_content_is_on_two_sides_and_none_is_lost_without_a_word(images, share):
    labels, digests, own = zip(*images)
    digests = [str(digest) for digest in digests]
    samples = classified(labels, digests, own)
    try:
        done = split(samples, share=share)
    except InputError:
        learnable = {d for d, s in zip(digests, own) if s in (None, 'train')}
        val = {d for d, s in zip(digests, own) if s == 'val'}
        test = {d for d, s in zip(digests, own) if s == 'test'}
        assert len(learnable - val - test) < (1 if val - test else 2)
        return
    sides = [{digests[i] for i in side} for side in (done.train, done.val)]
    assert all(sides) and not sides[0] & sides[1]
    if 'test' in own:
        tested = {digests[i] for i in done.test}
        assert done.test == tuple(i for i, s in enumerate(own) if s == 'test')
        assert not tested & (sides[0] | sides[1])
    used = {*done.train, *done.val, *done.test}
    assert len(used) == len(images) or any('left out' in note for note in done.notes)


def test_a_split_is_the_same_again_and_follows_content_not_names():
    labels = ['a', 'b'] * 20
    samples = classified(labels)
    moved = [
        Sample(Path('/elsewhere') / s.image.name, s.size, s.digest, label=s.label)
        for s in samples.samples
    ]
    again = split(Samples('classification', 'x', ('a', 'b'), tuple(moved)))
    assert split(samples) == again
    assert split(samples, seed=1) != again


def test_every_class_has_its_share_of_the_validation_set():
    labels = ['a'] * 100 + ['b'] * 50 + ['c'] * 10 + ['d'] * 2
    samples = classified(labels)
    done = split(samples, share=0.2)
    counts = [sum(labels[i] == each for i in done.val) for each in 'abcd']
    assert counts == [20, 10, 2, 0]
    (note,) = done.notes
    assert 'no validation image has d' in note


def test_images_of_several_classes_are_stratified_by_the_rarest():
    cats, dogs = Object('cat', (0, 0, 9, 9)), Object('dog', (0, 0, 9, 9))
    images = [(cats,)] * 40 + [(cats, dogs)] * 10
    samples = Samples(
        'detection',
        '',
        ('cat', 'dog'),
        tuple(
            Sample(Path(f'{i}.jpg'), (9, 9), str(i), objects=objects)
            for i, objects in enumerate(images)
        ),
    )
    done = split(samples, share=0.2)
    assert len(done.val) == 10
    assert sum('dog' in labels_of(samples, i) for i in done.val) == 2


def test_a_class_with_one_image_is_learned():
    samples = classified(['a'] * 9 + ['b'])
    assert all(9 in split(samples, seed=seed).train for seed in range(20))


def test_two_images_are_enough_and_one_is_not():
    done = split(classified(['a', 'b']))
    assert len(done.train) == len(done.val) == 1
    for digests in (['x'], ['x', 'x']):
        with pytest.raises(InputError, match='2 different images'):
            split(classified(['a'] * len(digests), digests))


def test_the_users_own_splits_are_kept_and_leaks_leave_the_training_set():
    digests = ['1', '2', '3', '4', '2', '3']
    own = ['train', 'train', 'train', None, 'val', 'test']
    done = split(classified(['a'] * 6, digests, own))
    assert (done.train, done.val, done.test) == ((0, 3), (4,), (5,))
    (note,) = done.notes
    assert '2 images are left out of the training set' in note
    assert '1.jpg, 2.jpg' in note


@pytest.mark.parametrize(
    'pixels, values, colours',
    [
        ([[0, 7], [9, 0]], {0: 2, 7: 0}, {}),
        (
            [[[0, 0, 0], [255, 0, 1]], [[9, 9, 9], [0, 0, 0]]],
            {0: 2, 1: 0},
            {(0, 0, 0): 0, (255, 0, 1): 1},
        ),
    ],
    ids=['index', 'colours'],
)
def test_classes_of_masks_are_those_of_their_values(pixels, values, colours, tmp_path):
    mask = tmp_path / 'mask.png'
    Image.fromarray(np.array(pixels, np.uint8)).save(mask)
    sample = Sample(tmp_path / 'x.png', (2, 2), 'x', mask=mask)
    samples = Samples(
        'semantic',
        '',
        ('a', 'b', 'c'),
        (sample,),
        values=values,
        colours=colours,
    )
    assert labels_of(samples, 0) == {'a', 'c'}


@pytest.mark.parametrize(
    'octave, ratios, scale',
    [(3, [0.5, 1.0, 2.0], 3), (1, [0.33, 3.0], 3), (3, [1.0], 1)],
)
def test_the_reach_of_anchors_is_that_of_all_of_mmdets_anchors(octave, ratios, scale):
    rng = np.random.default_rng(0)
    strides = (8, 16, 32)
    corner = rng.uniform(0, 150, (60, 2)) * [1, 0.6]
    boxes = np.concatenate([corner, corner + rng.uniform(4, 50, (60, 2))], axis=1)
    boxes[:20, 0::2] += 224 - boxes[:20, 2:3]  # at the border, beyond all centres
    ours = reached(
        boxes,
        strides=strides,
        scale=scale,
        ratios=ratios,
        octave=octave,
    )
    generator = AnchorGenerator(
        strides=strides,
        ratios=ratios,
        octave_base_scale=scale,
        scales_per_octave=octave,
    )
    maps = [(-(-160 // stride), -(-224 // stride)) for stride in strides]  # padded
    anchors = torch.cat(generator.grid_priors(maps, device='cpu'))
    overlaps = bbox_overlaps(torch.tensor(boxes, dtype=torch.float32), anchors)
    theirs = overlaps.max(dim=1).values >= 0.5
    assert 5 < theirs.sum() < 55
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize(
    'width, height, ratios', [(30, 30, 1), (30, 90, 3), (90, 30, 3), (20, 110, 5)]
)
def test_anchors_fit_the_shape_of_the_boxes_with_no_more_ratios_than_needed(
    width, height, ratios
):
    boxes = np.array([[x, 40.0, x + width, 40.0 + height] for x in range(0, 200, 7)])
    anchors = choose_anchors(boxes, strides=(4, 8, 16, 32), octave=3)
    assert anchors.reach == 1.0
    assert len(anchors.ratios) == ratios


def test_images_are_enlarged_for_small_objects_and_reduced_for_large_ones():
    def side(boxes, machine=CPU, size=(1000, 800)):
        samples = detected(boxes, size)
        litv2 = BACKBONES['litv2-lite']
        return choose_input(samples, tuple(range(10)), litv2, machine).side

    assert side([(0, 0, 10, 10)], size=(400, 300)) == 640  # 16 pixels
    assert side([(0, 0, 2, 2)], size=(400, 300)) == 800  # twice, not more
    assert side([(0, 0, 800, 800)]) == pytest.approx(1000 * 240 / 800, abs=16)
    assert side([(0, 0, 20, 20)]) == 992
    # what the machine can do, or up to twice as much for objects to have 8 pixels
    assert side([(0, 0, 200, 200)], GPU, size=(6000, 4000)) == 960
    assert side([(0, 0, 60, 60)], size=(6000, 4000)) == 1024
    assert side([(0, 0, 30, 30)], size=(6000, 4000)) == 1600
    assert side([(0, 0, 5, 5)], size=(6000, 4000)) == 2048
    assert side([(0, 0, 5, 5)], GPU, size=(6000, 4000)) == 2688


@pytest.mark.parametrize('task', ['detection', 'semantic'])
@pytest.mark.parametrize('machine', [CPU, GPU], ids=['cpu', 'gpu'])
@pytest.mark.parametrize('name', ['sepvit-lite', 'sepvit-t', 'pale-t', 'litv2-s'])
def test_windows_fill_a_crop(name, machine, task, monkeypatch):
    padded = []

    def record(x, divisor):
        padded.extend(side % divisor for side in x.shape[1:3])
        return x

    for module in (sepvit, pale, litv2):
        monkeypatch.setattr(module, 'pad_to_multiple', record)
    samples = replace(detected([(0, 0, 90, 90)]), task=task)
    backbone = BACKBONES[name]
    crop = choose_input(samples, tuple(range(10)), backbone, machine).crop
    with torch.device('meta'):
        model = MODELS.build(dict(type=backbone.kind, arch=backbone.arch))
        model(torch.empty(1, 3, crop, crop))
    assert padded and not any(padded)


def test_crowds_are_no_objects_to_choose_sizes_by():
    crowd = Object('cat', (0, 0, 900, 700), crowd=True)
    sample = Sample(Path('/x.jpg'), (1000, 800), 'x', objects=(crowd,))
    samples = Samples('detection', '', ('cat',), (sample,))
    with pytest.raises(InputError, match='no training image has an object'):
        choose_input(samples, (0,), BACKBONES['sepvit-lite'], CPU)


@pytest.mark.parametrize('method', METHODS.values(), ids=lambda method: method.name)
def test_every_config_has_sixty_lines_and_builds(method, tmp_path):
    samples = noisy(tmp_path, method.task)
    splits = split(samples)
    longest = 0
    for backbone in BACKBONES.values():
        start = Start(backbone, weights.configs_folder().as_uri() + '/x' * 20, '')
        for machine in (CPU, GPU):
            choices = choose(samples, splits, start, method, machine)
            classes = [f'a long name {index}' for index in range(30)]
            text = write_config(
                choices, splits, classes, tmp_path, tmp_path / 'images/train'
            )
            longest = max(longest, text.count('\n'))
        (tmp_path / 'config.py').write_text(text)
        cfg = engine.load_config(tmp_path / 'config.py')
        (tmp_path / 'classes.txt').write_text('\n'.join(classes))
        cfg.model.backbone.init_cfg = None
        # mmpretrain's ResNet reads values while it is built
        device = 'cpu' if backbone.kind == 'ResNet' else 'meta'
        model = engine.build_model(cfg, device=device)
        heads = [model.get_submodule(head) for head in method.classes]
        assert [head.num_classes for head in heads] == [30] * len(heads)
    assert longest <= 60


@pytest.mark.parametrize('task', ['detection', 'instance', 'semantic'])
def test_a_project_trains_and_is_evaluated_by_class(task, tmp_path, monkeypatch):
    done = make(tmp_path, task)
    assert done.report.unusable is None
    assert done.report.findings == []
    metrics = train_and_test(done)
    if task == 'semantic':
        assert 0 < metrics['mIoU'] <= 100
    else:
        kind = 'bbox' if task == 'detection' else 'segm'
        assert {f'coco/{kind}_mAP', 'coco/cat_precision'} <= {*metrics}


@pytest.mark.parametrize('task', TASKS)
def test_a_resnet_is_there_to_compare_with(task, tmp_path):
    done = make(tmp_path, task, backbone='resnet-18')
    assert done.report.findings == []
    assert train_and_test(done)
    with pytest.raises(InputError, match='resnet-18 is for comparison, and starts'):
        make(tmp_path / 'b', task, backbone='resnet-18', weights=done.config)


def test_narrow_transformers_start_as_identities_unless_weights_are_given(tmp_path):
    def start(name, checkpoint=None):
        samples = noisy(tmp_path, 'detection')
        splits = split(samples)
        origin = Start(BACKBONES[name], checkpoint, '')
        choices = choose(samples, splits, origin, METHODS['atss'], CPU)
        text = write_config(choices, splits, NAMES, tmp_path, tmp_path / 'images')
        (tmp_path / 'config.py').write_text(text)
        backbone = engine.load_config(tmp_path / 'config.py').model.backbone
        return backbone.get('init_cfg', {}).get('type')

    assert start('sepvit-lite') == start('pale-lite') == 'IdentityBlocks'
    assert start('sepvit-lite', 'own.pth') == 'Pretrained'
    assert start('litv2-lite') is start('sepvit-t') is start('resnet-18') is None


def test_a_classifier_is_evaluated_by_class(tmp_path):
    done = make(tmp_path, 'classification')
    assert done.report.findings == []
    metrics = train_and_test(done)
    assert 0 <= metrics['accuracy/top1'] <= 100
    assert len(metrics['single-label/precision_classwise']) == 2


def make(root: Path, kind: str, **options):
    """Make a project of noise."""
    options = dict(task=kind, out=root / 'a project', backbone='sepvit-lite') | options
    return new(noisy(root / 'data set', kind), **options)


def train_and_test(done) -> dict:
    """Train two steps of a project in this process, and evaluate the checkpoint."""
    loaders = ('train_dataloader', 'val_dataloader', 'test_dataloader')
    overrides = {f'{name}.num_workers': 0 for name in loaders}
    overrides |= {f'{name}.persistent_workers': False for name in loaders}
    overrides |= {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2}
    overrides |= {'default_hooks.checkpoint.interval': 2}
    overrides |= {'train_dataloader.batch_size': 2}
    cfg = engine.load_config(done.config, overrides=overrides)
    engine.train(cfg, seed=0)
    assert [*(done.folder / 'run').glob('best_*.pth')]
    return engine.evaluate(cfg, done.folder / 'run')


def test_classes_that_a_project_cannot_evaluate_are_told(tmp_path):
    samples = noisy(tmp_path, 'detection')
    samples = replace(samples, classes=(*NAMES, 'bird'))
    notes = ' '.join(split(samples).notes)
    assert 'no image has bird: never predicted' in notes


def test_a_config_runs_from_where_the_package_is_installed(tmp_path, monkeypatch):
    site = tmp_path / 'site packages/.mim/configs'
    shutil.copytree(CONFIGS, site)
    monkeypatch.setattr(manifest, 'FOLDERS', (site, CONFIGS))
    done = make(tmp_path, 'classification')
    assert f"_base_ = '{site}/_base_/own/linear.py'" in done.config.read_text()
    moved = site.rename(tmp_path / 'moved')
    with pytest.raises(InputError, match=f'cannot read config .*{site}'):
        engine.load_config(done.config)
    done.config.write_text(done.config.read_text().replace(str(site), str(moved)))
    assert engine.load_config(done.config).model.head.num_classes == 2


def test_images_in_subfolders_keep_their_paths_in_lists_and_masks(tmp_path):
    samples = noisy(tmp_path, 'semantic')
    first, second = samples.samples[:2]
    for folder, sample in (('a', first), ('b', second)):
        (tmp_path / 'in' / folder).mkdir(parents=True)
        shutil.copy(sample.image, tmp_path / 'in' / folder / 'x.png')
    pair = tuple(
        replace(sample, image=tmp_path / 'in' / folder / 'x.png')
        for folder, sample in (('a', first), ('b', second))
    )
    write_annotations(replace(samples, samples=pair), dict(train=[0, 1]), tmp_path)
    assert (tmp_path / 'annotations/train.txt').read_text() == 'a/x.png\nb/x.png\n'
    masks = [tmp_path / f'masks/{folder}/x.png.png' for folder in 'ab']
    for mask, sample in zip(masks, pair):
        with Image.open(mask) as ours, Image.open(sample.mask) as theirs:
            assert (np.asarray(ours) == np.asarray(theirs)).all()


def test_an_interrupted_project_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(project, 'contact_sheet', interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, 'semantic')
    assert [path.name for path in tmp_path.iterdir()] == ['data set']


def test_a_project_may_be_written_into_an_empty_folder(tmp_path):
    (tmp_path / 'a project').mkdir()
    assert make(tmp_path, 'classification').config.is_file()


def test_the_users_test_set_is_what_is_tested(tmp_path):
    samples = noisy(tmp_path, 'detection')
    samples = replace(
        samples,
        samples=tuple(
            replace(sample, split='test' if index < 2 else None)
            for index, sample in enumerate(samples.samples)
        ),
    )
    done = new(samples, 'detection', tmp_path / 'out', backbone='sepvit-lite')
    cfg = engine.load_config(done.config)
    for part in (cfg.test_dataloader.dataset, cfg.test_evaluator):
        path = Path(cfg.data_root) / part.ann_file
        assert path == tmp_path / 'out/annotations/test.json'
    images = json.loads(path.read_text())['images']
    assert sorted(Path(image['file_name']).name for image in images) == [
        '0.png',
        '1.png',
    ]
    assert 'test' not in cfg.val_dataloader.dataset.ann_file


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(backbone='resnet'), 'backbone is resnet, .* sepvit-lite, sepvit-t, .*'),
        (dict(method='upernet'), 'upernet is for semantic; for detection, .*atss'),
        (dict(method='yolo'), 'yolo is not known; for detection, .*atss'),
        (dict(val=0.0), 'val is 0, but must be a share between 0 and 1, or a folder'),
        (dict(val=1.5), 'val is 1.5, but'),
        (dict(task='instance'), 'task is instance, but .* read for detection'),
        (dict(minutes=0), 'minutes is 0, but must be more than 0'),
        (dict(minutes=0.01), 'no time for 10 steps of 0.5 seconds'),
        (dict(weights='absent.pth'), 'weights not found: absent.pth'),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_an_error_and_writes_nothing(
    options, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(project, 'time_steps', lambda cfg: Pace(0.5, 0.1))
    with pytest.raises(InputError, match=message):
        make(tmp_path, 'detection', **options)
    assert not (tmp_path / 'a project').exists()


@pytest.mark.parametrize('kind', ['file', 'folder', 'link'])
def test_a_folder_in_use_is_left_alone(kind, tmp_path):
    out = tmp_path / 'a project'
    if kind == 'file':
        out.write_text('mine')
    elif kind == 'link':
        out.symlink_to(tmp_path / 'absent')
    else:
        out.mkdir()
        (out / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='a project exists already'):
        make(tmp_path, 'detection')
    assert out.is_symlink() or 'mine' in (
        out.read_text() if out.is_file() else (out / 'notes.txt').read_text()
    )


def test_nothing_to_learn_from_is_an_error():
    own = ['val', 'val', 'test']
    with pytest.raises(InputError, match='no images are left to train on'):
        split(classified(['a', 'b', 'a'], splits=own))


def test_with_a_gpu_the_backbone_is_the_one_with_weights(monkeypatch):
    monkeypatch.setattr(weights, 'is_cached', lambda address: False)
    monkeypatch.setattr(weights, 'is_reachable', lambda address: True)
    start = weights.choose_start('detection', 'gpu')
    assert start.backbone.name == 'litv2-s'
    assert start.checkpoint.endswith('/litv2_s.pth')
    assert weights.choose_start('detection', 'cpu', 'litv2-s') == start
    monkeypatch.setattr(weights, 'is_reachable', lambda address: False)
    start = weights.choose_start('detection', 'gpu')
    assert (start.backbone.name, start.checkpoint) == ('sepvit-lite', None)
    assert 'litv2_s.pth cannot be fetched from github.com now' in start.reason
    start = weights.choose_start('detection', 'gpu', 'litv2-m')
    assert start.backbone.name == 'litv2-m'


def test_without_a_gpu_the_backbone_is_small_and_the_network_is_not_asked(
    tmp_path, monkeypatch
):
    def asked(address):
        raise AssertionError(f'asked for {address}')

    monkeypatch.setattr(weights, 'is_cached', lambda address: True)
    monkeypatch.setattr(weights, 'is_reachable', asked)
    monkeypatch.setattr(Machine, 'here', lambda: CPU)
    done = make(tmp_path, 'classification', backbone=None)
    assert (done.choices.start.backbone.name, done.choices.start.checkpoint) == (
        'sepvit-lite',
        None,
    )
    text = ' '.join(done.config.read_text().replace('#', '').split())
    assert f'The backbone starts from random weights: {weights.TOO_SLOW}.' in text
    rows = {name: why for name, _, why in done.choices.rows}
    assert rows['backbone'] == weights.TOO_SLOW


def test_given_weights_must_fit_the_backbone(tmp_path):
    settings = BACKBONES['litv2-s'].settings('detection', maps=3)
    file = tmp_path / 'weights.pth'
    torch.save(MODELS.build(settings).state_dict(), file)
    start = weights.choose_start('detection', 'cpu', weights=file)
    assert (start.backbone.name, start.checkpoint) == ('litv2-s', str(file))
    with pytest.raises(InputError, match='of the backbone filled'):
        weights.choose_start('detection', 'cpu', 'sepvit-lite', file)


def test_minutes_are_divided_between_steps_and_evaluations():
    assert length_for(10, Pace(0.5, 0.1), 50) == (1100, 4, None)  # 570 s - 4 * 5 s
    assert length_for(1, Pace(0.5, 0.1), 50) == (94, 2, None)  # of 57 s, 10 to evaluate
    # a single evaluation takes so long that it comes after the time
    assert length_for(1, Pace(0.5, 0.1), 500) == (114, 1, 50.0)
    with pytest.raises(InputError, match=r'no time for 10 steps of 9\.0 seconds: give'):
        length_for(1, Pace(9.0, 0.1), 10)


def test_a_few_real_steps_are_timed_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, 'TIMED', 2)
    monkeypatch.setattr(timing, 'WARM', 1)
    done = make(tmp_path, 'classification')
    cfg = engine.load_config(
        done.config,
        overrides={'train_dataloader.batch_size': 2, 'train_dataloader.num_workers': 1},
    )
    before = sorted(done.folder.rglob('*'))
    pace = timing.time_steps(cfg)
    assert pace.step > 0 and pace.image > 0
    assert sorted(done.folder.rglob('*')) == before


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize('stream, shown', [(Terminal, True), (io.StringIO, False)])
def test_steps_are_counted_on_a_terminal_and_nowhere_else(
    stream, shown, tmp_path, monkeypatch
):
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setattr(sys, 'stderr', err := stream())
    hook = StepStatus('Timing steps')
    with pytest.raises(KeyboardInterrupt), status('Timing steps'):
        hook.before_train_iter(SimpleNamespace(iter=1, max_iters=11), 1)
        raise KeyboardInterrupt
    said = err.getvalue()
    assert ('Timing steps: 2 of 11 steps' in said) == shown
    assert bool(said) == shown
    assert said.rfind('\x1b[?25h') >= said.rfind('\x1b[?25l')  # the cursor is back


def test_the_length_for_minutes_is_what_was_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(project, 'time_steps', lambda cfg: Pace(0.5, 0.1))
    done = make(tmp_path, 'classification', minutes=2)
    cfg = engine.load_config(done.config)
    count = len(done.splits.val)
    assert cfg.train_cfg.max_iters == int((114 - 4 * 0.1 * count) / 0.5)
    assert cfg.param_scheduler[1].end == cfg.train_cfg.max_iters
    assert 'Length: 2 min at 0.50 s a step' in done.config.read_text()


def test_the_command_prints_what_to_type_next(tmp_path, monkeypatch, capsys):
    root = write_coco(tmp_path / 'my data')
    out = tmp_path / 'my project'
    command = ['new', str(root), '--task', 'detection', '--out', str(out)]
    command += ['--backbone', 'sepvit-lite']
    # the images of both splits are equal
    assert main(command) == 2
    assert 'no images are left to train on' in capsys.readouterr().err
    (root / 'annotations/val.json').unlink()
    assert main(command) == 0
    text = capsys.readouterr().out
    assert f"sepvit-mm train '{out}/config.py'\n" in text
    assert f"sepvit-mm test '{out}/config.py' '{out}/run'\n" in text
    assert f"sepvit-mm report '{out}/run'\n" in text
    assert 'sepvit-lite, from random' in text and 'reach 100.0%' in text
    for name in ('config.py', 'samples.png', 'inspection.png', 'inspection.json'):
        assert (out / name).stat().st_size > 0
        assert f'{out / name}' in text
