"""Every config builds, learns and predicts."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from sepvit_mm.check import random_batch, training_step
from sepvit_mm.engine import build_model, build_optimizer, load_config

CONFIGS = Path(__file__).parents[1] / 'configs'
COCO = sorted(path.stem for path in CONFIGS.glob('*_coco.py'))
ADE = sorted(path.stem for path in CONFIGS.glob('*_ade20k.py'))
IMAGENET = sorted(path.stem for path in CONFIGS.glob('*_imagenet.py'))
ALL = sorted(path.stem for path in CONFIGS.glob('*.py'))
SMALL = sorted({*ALL} - {*COCO, *ADE, *IMAGENET})
SIZE = (96, 64)  # height, width of the random images


def load(name: str) -> Config:
    """A config that needs no network."""
    cfg = load_config(CONFIGS / f'{name}.py')
    cfg.model.backbone.init_cfg = None
    return cfg


# A config for each pair of backbone and method, and for other special cases. To train
# all configs, run `sepvit-mm check configs/*.py`, which takes minutes.
TRAINED = [
    *SMALL,
    *(f'{n}_imagenet' for n in ('sepvit_lite', 'sepvit_t', 'litv2_b_384', 'pale_t')),
    *(f'{n}_coco' for n in ('retinanet_sepvit_t', 'mask_rcnn_sepvit_t_3x')),
    *(f'{n}_coco' for n in ('retinanet_litv2_s_ws4', 'mask_rcnn_litv2_b')),
    *(f'{n}_coco' for n in ('retinanet_pale_t', 'mask_rcnn_pale_t')),
    *(f'{n}_ade20k' for n in ('fpn_sepvit_t', 'upernet_sepvit_t')),
    *(f'{n}_ade20k' for n in ('fpn_litv2_s', 'upernet_litv2_s', 'upernet_pale_t')),
]


@pytest.mark.parametrize('name', TRAINED)
def test_config_trains_every_parameter_and_predicts(name):
    torch.manual_seed(0)
    cfg = load(name)
    settings = cfg.model.get('test_cfg', {})
    for test_cfg in (settings, settings.get('rcnn', {})):
        if 'score_thr' in test_cfg:
            test_cfg.score_thr = 0.0  # an untrained model is sure of nothing
    cfg.model.backbone.drop_path_rate = 0.0  # no block is dropped for both images
    if cfg.model.data_preprocessor.get('size'):
        cfg.model.data_preprocessor.size = SIZE  # not padded to the crop's
    model = build_model(cfg)
    model.init_weights()
    batch = random_batch(cfg.default_scope, SIZE)
    cfg.optim_wrapper.optimizer.weight_decay = 0.0  # what moves, moves by gradient
    before = [p.detach().clone() for p in model.parameters()]
    step = training_step(model, build_optimizer(cfg, model), batch)
    assert not step.unreached
    # A small image may have one window: pointwise attention has no choice then. And no
    # object may belong to a map of ATSS, which has a scale for the boxes of each.
    free = ('.attn.pointwise.', 'bbox_head.scales.')
    for (n, p), old in zip(model.named_parameters(), before):
        moves = p.grad.any() and (p != old).any()
        assert moves or any(part in n for part in free), n

    model.eval()
    with torch.no_grad():
        predictions = model.test_step(batch)
    assert len(predictions) == 2
    for prediction in predictions:
        if cfg.default_scope == 'mmseg':
            assert prediction.pred_sem_seg.shape == SIZE
        elif cfg.default_scope == 'mmpretrain':
            assert prediction.pred_score.shape == (cfg.model.head.num_classes,)
            assert prediction.pred_score.sum().item() == pytest.approx(1, abs=1e-4)
        else:
            instances = prediction.pred_instances
            assert len(instances) > 0
            assert instances.bboxes.shape == (len(instances.scores), 4)
            assert ('masks' in instances) == (cfg.model.type == 'MaskRCNN')


@pytest.mark.parametrize('name', [n for n in COCO + ADE if 'litv2' in n])
def test_litv2_starts_from_the_authors_weights_of_its_size(name):
    backbone = load_config(CONFIGS / f'{name}.py').model.backbone
    assert backbone.init_cfg.type == 'Pretrained'
    assert backbone.init_cfg.checkpoint == (
        'https://github.com/ziplab/LITv2/releases/download/v1.0/'
        f'litv2_{backbone.arch[0]}.pth'
    )


@pytest.mark.parametrize('name', COCO + ADE + IMAGENET)
def test_the_name_tells_the_variant(name):
    backbone = load(name).model.backbone
    letters = re.search(r'(sepvit|litv2|pale)_(lite|[tsmb])_', f'{name}_')
    family = {'sepvit': 'SepViT', 'litv2': 'LITv2', 'pale': 'PaleTransformer'}
    assert backbone.type == family[letters[1]]
    assert backbone.arch.startswith(letters[2])
    window = 4 if 'ws4' in name else 2
    if backbone.type == 'LITv2':
        assert (
            MODELS.build(backbone).stages[2].blocks[0].attn.lofi.window_size == window
        )


def test_retinanet_reads_three_maps_and_makes_five():
    cfg = load('retinanet_sepvit_t_coco')
    model = build_model(cfg).eval()
    sizes = [tuple(m.shape[1:]) for m in model.backbone(torch.zeros(1, 3, *SIZE))]
    assert sizes == [(192, 12, 8), (384, 6, 4), (768, 3, 2)]
    assert len(model.extract_feat(torch.zeros(1, 3, *SIZE))) == 5
    assert model.neck.fpn_convs[3].conv.in_channels == 768  # extra, on the input


@pytest.mark.parametrize('name', ADE)
def test_segmentors_are_tested_at_six_scales_and_flipped(name):
    resizes, flips, *_ = load(name).tta_pipeline[1].transforms
    ratios = [t.scale[1] / 512 for t in resizes]
    assert ratios == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert [t.prob for t in flips] == [0.0, 1.0]


@pytest.mark.parametrize('name', ADE)
def test_segmentors_share_batch_statistics_and_see_crops_of_512(name):
    cfg = load(name)
    heads = [cfg.model.decode_head, cfg.model.get('auxiliary_head')]
    for head in heads if 'upernet' in name else heads[:1]:
        assert head.norm_cfg.type == 'SyncBN'
    assert cfg.model.data_preprocessor.size == (512, 512)


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*.py')), ids=lambda p: p.stem)
def test_a_whole_checkpoint_exists_while_the_next_is_written(path):
    # mmengine deletes the oldest one first
    assert load_config(path).default_hooks.checkpoint.max_keep_ckpts >= 2
