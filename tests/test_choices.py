"""What a project chooses fits the data, the backbone and the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from annotated import CPU, GPU, detected, noisy
from mmdet.models.task_modules import AnchorGenerator
from mmdet.structures.bbox import bbox_overlaps
from mmengine.registry import MODELS
from noise import (
    NAMES,
)

from sepvit_mm import engine
from sepvit_mm.backbones import litv2, pale, sepvit
from sepvit_mm.errors import InputError
from sepvit_mm.projects import weights
from sepvit_mm.projects.anchors import choose_anchors, reached
from sepvit_mm.projects.backbones import BACKBONES
from sepvit_mm.projects.choices import choose, length_for
from sepvit_mm.projects.config import write_config
from sepvit_mm.projects.methods import METHODS
from sepvit_mm.projects.sizes import choose_input
from sepvit_mm.projects.splits import split
from sepvit_mm.projects.timing import Pace
from sepvit_mm.projects.weights import Start
from sepvit_mm.samples.sample import Object, Sample, Samples


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
    assert side([(0, 0, 20, 20)]) == 800  # 16 pixels
    assert side([(0, 0, 90, 90)]) == 448  # two crops, not less
    assert side([(0, 0, 20, 20)], size=(400, 300)) == 384  # about as they are
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
        if method.task in ('detection', 'instance'):
            head = getattr(model, 'rpn_head', None) or model.bbox_head
            strides = [stride[0] for stride in head.prior_generator.strides]
            assert tuple(strides) == method.strides(backbone)
    assert longest <= 60


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


@pytest.mark.parametrize('name', ['sepvit-lite', 'litv2-s', 'resnet-18'])
def test_atss_is_that_of_its_paper_on_strides_from_8(name, tmp_path):
    samples = noisy(tmp_path, 'detection')
    origin = Start(BACKBONES[name], None, '')
    choices = choose(samples, split(samples), origin, METHODS['atss'], CPU)
    text = write_config(choices, split(samples), NAMES, tmp_path, tmp_path / 'images')
    (tmp_path / 'config.py').write_text(text)
    cfg = engine.load_config(tmp_path / 'config.py')
    cfg.model.backbone.init_cfg = None
    head = engine.build_model(cfg).bbox_head
    assert METHODS['atss'].strides(BACKBONES[name])[:4] == (8, 16, 32, 64)
    assert {*head.prior_generator.num_base_priors} == {1}
    assert type(head.loss_cls).__name__ == 'FocalLoss'
    assert type(head.loss_centerness).__name__ == 'CrossEntropyLoss'
    assert (head.assigner.topk, head.assigner.ignore_iof_thr) == (9, 0.5)
