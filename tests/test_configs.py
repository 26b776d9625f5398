"""Every config builds, learns and predicts; the recipes are the specification's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData, PixelData
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sepvit_mm.engine import load_config

CONFIGS = Path(__file__).parents[1] / 'configs'
PAPER = [
    'retinanet_sepvit_t_coco',
    'mask_rcnn_sepvit_t_coco',
    'upernet_sepvit_t_ade20k',
]
SIZE = (96, 64)  # height, width of the random images


def load(name: str) -> Config:
    return load_config(CONFIGS / f'{name}.py')


def build(cfg: Config) -> nn.Module:
    init_default_scope(cfg.default_scope)
    if cfg.model.data_preprocessor.get('size'):
        cfg.model.data_preprocessor.size = SIZE  # not padded to the crop's
    return revert_sync_batchnorm(MODELS.build(cfg.model))


def random_batch(cfg: Config) -> dict:
    """Two images with one object each, as a dataloader of the config gives them."""
    images = [torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8) for _ in range(2)]
    samples = [SAMPLES[cfg.default_scope]() for _ in images]
    for sample in samples:
        shape = dict(ori_shape=SIZE, img_shape=SIZE, scale_factor=(1.0, 1.0))
        sample.set_metainfo(shape)
    return dict(inputs=images, data_samples=samples)


def detection_sample():
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks

    mask = np.zeros((1, *SIZE), dtype=np.uint8)
    mask[:, 8:40, 16:48] = 1
    truth = InstanceData(
        bboxes=torch.tensor([[16.0, 8.0, 48.0, 40.0]]),
        labels=torch.tensor([0]),
        masks=BitmapMasks(mask, *SIZE),
    )
    return DetDataSample(gt_instances=truth, ignored_instances=no_objects())


def no_objects() -> InstanceData:
    return InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())


def segmentation_sample():
    from mmseg.structures import SegDataSample

    truth = torch.zeros(1, *SIZE, dtype=torch.long)
    truth[:, :48] = 1
    return SegDataSample(gt_sem_seg=PixelData(data=truth))


SAMPLES = {'mmdet': detection_sample, 'mmseg': segmentation_sample}


@pytest.mark.parametrize('name', sorted(path.stem for path in CONFIGS.glob('*.py')))
def test_config_trains_every_parameter_and_predicts(name):
    torch.manual_seed(0)
    cfg = load(name)
    for test_cfg in (cfg.model.test_cfg, cfg.model.test_cfg.get('rcnn', {})):
        if 'score_thr' in test_cfg:
            test_cfg.score_thr = 0.0  # an untrained model is sure of nothing
    model = build(cfg)
    model.init_weights()
    model.train()
    batch = model.data_preprocessor(random_batch(cfg), training=True)
    loss, _ = model.parse_losses(model(**batch, mode='loss'))
    loss.backward()
    assert loss.isfinite()
    without = [
        n for n, p in model.named_parameters() if p.requires_grad and p.grad is None
    ]
    assert not without

    cfg.optim_wrapper.optimizer.weight_decay = 0.0  # what moves, moves by gradient
    before = [p.detach().clone() for p in model.parameters()]
    build_optim_wrapper(model, cfg.optim_wrapper).optimizer.step()
    assert all(p.isfinite().all() for p in model.parameters())
    assert any((p != old).any() for p, old in zip(model.parameters(), before))

    model.eval()
    with torch.no_grad():
        predictions = model.test_step(random_batch(cfg))
    assert len(predictions) == 2
    for prediction in predictions:
        if cfg.default_scope == 'mmseg':
            assert prediction.pred_sem_seg.shape == SIZE
        else:
            instances = prediction.pred_instances
            assert len(instances) > 0
            assert instances.bboxes.shape == (len(instances.scores), 4)
            assert ('masks' in instances) == (cfg.model.type == 'MaskRCNN')


@pytest.mark.parametrize(
    'name, millions', list(zip(PAPER, (44.6, 53.9, 66.1))), ids=PAPER
)
def test_model_is_as_large_as_the_specification_says(name, millions):
    parameters = sum(p.numel() for p in build(load(name)).parameters())
    assert round(parameters / 1e6, 1) == millions


@pytest.mark.parametrize(
    'name, lr, weight_decay, spared',
    [
        ('retinanet_sepvit_t_coco', 1e-4, 1e-3, False),
        ('mask_rcnn_sepvit_t_coco', 2e-4, 1e-3, False),
        ('upernet_sepvit_t_ade20k', 6e-5, 0.01, True),
    ],
)
def test_optimizer_follows_the_recipe(name, lr, weight_decay, spared):
    cfg = load(name)
    model = build(cfg)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    assert type(optimizer) is torch.optim.AdamW
    decay_of = {}
    for group in optimizer.param_groups:
        assert group['lr'] == lr
        decay_of |= {id(p): group['weight_decay'] for p in group['params']}

    norms = (nn.LayerNorm, nn.GroupNorm, _BatchNorm)
    kinds = set()
    for module_name, module in model.named_modules():
        undecayed = isinstance(module, norms) or 'pos_encoding' in module_name
        for parameter in module.parameters(recurse=False):
            kinds.add(undecayed)
            expected = 0 if spared and undecayed else weight_decay
            assert decay_of[id(parameter)] == expected, module_name
    assert kinds == {True, False}


@pytest.mark.parametrize('name', PAPER[:2])
def test_detection_follows_the_1x_recipe(name):
    cfg = load(name)
    assert cfg.train_cfg.max_epochs == 12
    warmup, steps = cfg.param_scheduler
    assert (warmup.start_factor, warmup.end, warmup.by_epoch) == (0.001, 500, False)
    assert (steps.milestones, steps.gamma, steps.by_epoch) == ([8, 11], 0.1, True)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        resizes = [t for t in loader.dataset.pipeline if t.type == 'Resize']
        assert [(t.scale, t.keep_ratio) for t in resizes] == [((1333, 800), True)]
    assert cfg.model.backbone.drop_path_rate == 0.2


def test_retinanet_reads_three_maps_and_makes_five():
    cfg = load('retinanet_sepvit_t_coco')
    model = build(cfg).eval()
    sizes = [tuple(m.shape[1:]) for m in model.backbone(torch.zeros(1, 3, *SIZE))]
    assert sizes == [(192, 12, 8), (384, 6, 4), (768, 3, 2)]
    assert len(model.extract_feat(torch.zeros(1, 3, *SIZE))) == 5
    assert model.neck.fpn_convs[3].conv.in_channels == 768  # extra, on the input


def test_upernet_follows_the_160k_recipe():
    cfg = load('upernet_sepvit_t_ade20k')
    assert cfg.train_cfg.max_iters == 160_000
    warmup, poly = cfg.param_scheduler
    assert (warmup.start_factor, warmup.begin, warmup.end) == (1e-6, 0, 1500)
    assert (poly.type, poly.power, poly.eta_min) == ('PolyLR', 1.0, 0.0)
    assert (poly.begin, poly.end) == (1500, 160_000)
    assert not warmup.by_epoch and not poly.by_epoch
    train = {t.type: t for t in cfg.train_dataloader.dataset.pipeline}
    assert train['RandomResize'].scale == (2048, 512)
    assert train['RandomResize'].ratio_range == (0.5, 2.0)
    assert train['RandomCrop'].crop_size == (512, 512)
    assert train['RandomCrop'].cat_max_ratio == 0.75
    assert {'RandomFlip', 'PhotoMetricDistortion'} <= set(train)
    assert cfg.model.data_preprocessor.size == (512, 512)
    resizes, flips, *_ = cfg.tta_pipeline[1].transforms
    ratios = [t.scale[1] / 512 for t in resizes]
    assert ratios == [0.5, 0.75, 1.0, 1.25, 1.5, 1.75]
    assert [t.prob for t in flips] == [0.0, 1.0]
    assert cfg.model.decode_head.norm_cfg.type == 'SyncBN'
    assert cfg.model.auxiliary_head.norm_cfg.type == 'SyncBN'
    assert cfg.model.backbone.drop_path_rate == 0.2


@pytest.mark.parametrize('name', sorted({p.stem for p in CONFIGS.glob('*lite*.py')}))
def test_small_configs_are_for_one_process(name):
    cfg = load(name)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size


@pytest.mark.parametrize('name', PAPER)
def test_eight_gpus_make_the_batch_that_the_learning_rate_is_for(name):
    cfg = load(name)
    assert 8 * cfg.train_dataloader.batch_size == 16
    assert cfg.auto_scale_lr.base_batch_size == 16


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*.py')), ids=lambda p: p.stem)
def test_a_whole_checkpoint_exists_while_the_next_is_written(path):
    # mmengine deletes the oldest one first
    assert load_config(path).default_hooks.checkpoint.max_keep_ckpts >= 2
