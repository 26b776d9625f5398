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
COCO = sorted(path.stem for path in CONFIGS.glob('*_coco.py'))
ADE = sorted(path.stem for path in CONFIGS.glob('*_ade20k.py'))
IMAGENET = sorted(path.stem for path in CONFIGS.glob('*_imagenet.py'))
ALL = sorted(path.stem for path in CONFIGS.glob('*.py'))
SMALL = sorted({*ALL} - {*COCO, *ADE, *IMAGENET})
SIZE = (96, 64)  # height, width of the random images


def load(name: str) -> Config:
    """A config without what this machine may lack: a network, mixed precision."""
    cfg = load_config(CONFIGS / f'{name}.py')
    cfg.model.backbone.init_cfg = None
    if cfg.optim_wrapper.type == 'AmpOptimWrapper':
        cfg.optim_wrapper.type = 'OptimWrapper'
    return cfg


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


def classification_sample():
    from mmpretrain.structures import DataSample

    return DataSample().set_gt_label(1)


SAMPLES = {
    'mmdet': detection_sample,
    'mmseg': segmentation_sample,
    'mmpretrain': classification_sample,
}


@pytest.mark.parametrize('name', ALL)
def test_config_trains_every_parameter_and_predicts(name):
    torch.manual_seed(0)
    cfg = load(name)
    settings = cfg.model.get('test_cfg', {})
    for test_cfg in (settings, settings.get('rcnn', {})):
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
        elif cfg.default_scope == 'mmpretrain':
            assert prediction.pred_score.shape == (cfg.model.head.num_classes,)
            assert prediction.pred_score.sum().item() == pytest.approx(1, abs=1e-4)
        else:
            instances = prediction.pred_instances
            assert len(instances) > 0
            assert instances.bboxes.shape == (len(instances.scores), 4)
            assert ('masks' in instances) == (cfg.model.type == 'MaskRCNN')


# Specification: millions of parameters, heads included.
DOWNSTREAM = {
    'retinanet_sepvit_t_coco': 44.6,
    'mask_rcnn_sepvit_t_coco': 53.9,
    'upernet_sepvit_t_ade20k': 66.1,
    'retinanet_litv2_s_coco': 38.0,
    'mask_rcnn_litv2_s_coco': 47.3,
    'fpn_litv2_s_ade20k': 31.4,
}


@pytest.mark.parametrize('name, millions', DOWNSTREAM.items(), ids=DOWNSTREAM)
def test_model_is_as_large_as_the_specification_says(name, millions):
    parameters = sum(p.numel() for p in build(load(name)).parameters())
    # one digit, rounded for most and cut off for LITv2's Mask R-CNN, 47.35
    assert parameters / 1e6 == pytest.approx(millions, abs=0.0501)


@pytest.mark.parametrize(
    'name, lr, weight_decay, spared',
    [
        ('retinanet_sepvit_t_coco', 1e-4, 1e-3, False),
        ('mask_rcnn_sepvit_t_coco', 2e-4, 1e-3, False),
        ('upernet_sepvit_t_ade20k', 6e-5, 0.01, True),
        ('retinanet_litv2_s_coco', 1e-4, 1e-4, False),
        ('upernet_litv2_s_ade20k', 6e-5, 0.01, True),
        ('retinanet_pale_t_coco', 1e-4, 0.05, False),
        ('mask_rcnn_pale_t_coco', 1e-4, 0.05, False),
        ('upernet_pale_t_ade20k', 6e-5, 0.01, True),
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


def decay_by_kind(name: str) -> dict[bool, set[float]]:
    """Whether a parameter is of a norm -> the weight decays of such parameters."""
    cfg = load(name)
    model = build(cfg)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    decays = {True: set(), False: set()}
    norms = (nn.LayerNorm, nn.GroupNorm, _BatchNorm)
    in_norms = {
        id(p) for m in model.modules() if isinstance(m, norms) for p in m.parameters()
    }
    for group in optimizer.param_groups:
        for parameter in group['params']:
            decays[id(parameter) in in_norms].add(group['weight_decay'])
    return decays


def test_litv2_trains_mask_rcnn_in_mixed_precision_without_decay_on_norms():
    cfg = load_config(CONFIGS / 'mask_rcnn_litv2_s_coco.py')
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.optimizer.lr == 2e-4
    assert decay_by_kind('mask_rcnn_litv2_s_coco') == {True: {0.0}, False: {1e-4}}


@pytest.mark.parametrize('name', [n for n in COCO + ADE if 'litv2' in n])
def test_litv2_starts_from_the_authors_weights(name):
    init_cfg = load_config(CONFIGS / f'{name}.py').model.backbone.init_cfg
    assert init_cfg.type == 'Pretrained'
    assert init_cfg.checkpoint == (
        'https://github.com/ziplab/LITv2/releases/download/v1.0/litv2_s.pth'
    )


# Specification: parameters with 1000 classes, and how near to it a config must come;
# epochs of warm-up; drop path.
CLASSIFIERS = {
    'sepvit_lite': (3_661_128, 0, 5, 0.0),
    'sepvit_t': (31_182_856, 0, 5, 0.2),
    'sepvit_s': (46_570_504, 0, 5, 0.3),
    'sepvit_b': (82_377_064, 0, 5, 0.5),
    'litv2_s': (27_844_000, 0, 20, 0.2),
    'litv2_m': (48_830_368, 0, 20, 0.3),
    'litv2_b': (86_520_704, 0, 20, 0.5),
    'litv2_b_384': (86_520_704, 0, 5, 0.5),
    'pale_t': (21.77e6, 1e-3, 20, 0.1),
    'pale_s': (48.33e6, 1e-3, 20, 0.3),
    'pale_b': (85.36e6, 1e-3, 20, 0.5),
}


def test_every_classifier_has_its_recipe_checked():
    assert sorted(f'{name}_imagenet' for name in CLASSIFIERS) == IMAGENET


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_classifiers_follow_the_imagenet_recipe(name):
    parameters, tolerance, warmup_epochs, drop_path = CLASSIFIERS[name]
    cfg = load(f'{name}_imagenet')
    with torch.device('meta'):
        model = build(cfg)
    given = sum(p.numel() for p in model.parameters())
    assert given == pytest.approx(parameters, rel=tolerance, abs=0)
    assert cfg.model.backbone.get('drop_path_rate', 0.0) == drop_path

    is_fine_tuning = '384' in name
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.weight_decay, optimizer.eps) == (
        (4e-5, 1e-8, 1e-8) if is_fine_tuning else (1e-3, 0.05, 1e-8)
    )
    assert cfg.optim_wrapper.clip_grad.max_norm == 5.0
    assert cfg.train_cfg.max_epochs == (30 if is_fine_tuning else 300)
    warmup, cosine = cfg.param_scheduler
    assert warmup.end == cosine.begin == warmup_epochs
    assert warmup.start_factor * optimizer.lr == pytest.approx(
        4e-8 if is_fine_tuning else 1e-6
    )
    assert cosine.eta_min == (4e-7 if is_fine_tuning else 1e-5)
    assert cosine.end == cfg.train_cfg.max_epochs
    assert cfg.auto_scale_lr.base_batch_size == 1024
    train = {t.type: t for t in cfg.train_dataloader.dataset.pipeline}
    assert train['RandomResizedCrop'].scale == (384 if is_fine_tuning else 224)
    assert train['RandomErasing'].erase_prob == 0.25
    assert train['RandAugment'].magnitude_level == 9
    assert {a.type: a.alpha for a in cfg.model.train_cfg.augments} == {
        'Mixup': 0.8,
        'CutMix': 1.0,
    }


def test_litv2_offsets_learn_a_hundredth_as_fast():
    cfg = load('litv2_s_imagenet')
    model = build(cfg)
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group['params']:
            name = names[id(parameter)]
            slow = name.endswith('embed.offset.weight')
            assert group['lr'] == pytest.approx(1e-5 if slow else 1e-3), name
            expected = 0.0 if parameter.dim() == 1 else 0.05
            assert group['weight_decay'] == expected, name


@pytest.mark.parametrize('name', COCO)
def test_detection_follows_the_1x_recipe(name):
    cfg = load(name)
    assert cfg.train_cfg.max_epochs == 12
    warmup, steps = cfg.param_scheduler
    assert (warmup.start_factor, warmup.end, warmup.by_epoch) == (0.001, 500, False)
    assert (steps.milestones, steps.gamma, steps.by_epoch) == ([8, 11], 0.1, True)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        resizes = [t for t in loader.dataset.pipeline if t.type == 'Resize']
        assert [(t.scale, t.keep_ratio) for t in resizes] == [((1333, 800), True)]
    assert cfg.model.backbone.drop_path_rate == (0.1 if 'pale' in name else 0.2)


def test_retinanet_reads_three_maps_and_makes_five():
    cfg = load('retinanet_sepvit_t_coco')
    model = build(cfg).eval()
    sizes = [tuple(m.shape[1:]) for m in model.backbone(torch.zeros(1, 3, *SIZE))]
    assert sizes == [(192, 12, 8), (384, 6, 4), (768, 3, 2)]
    assert len(model.extract_feat(torch.zeros(1, 3, *SIZE))) == 5
    assert model.neck.fpn_convs[3].conv.in_channels == 768  # extra, on the input


def test_semantic_fpn_follows_the_80k_recipe():
    cfg = load('fpn_litv2_s_ade20k')
    assert cfg.train_cfg.max_iters == 80_000
    (poly,) = cfg.param_scheduler
    assert (poly.type, poly.power, poly.eta_min) == ('PolyLR', 0.9, 1e-6)
    assert (poly.begin, poly.end, poly.by_epoch) == (0, 80_000, False)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.lr, optimizer.weight_decay) == (1e-4, 1e-4)
    assert 8 * cfg.train_dataloader.batch_size == 16


@pytest.mark.parametrize('name', [name for name in ADE if 'upernet' in name])
def test_upernet_follows_the_160k_recipe(name):
    cfg = load(name)
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
    assert cfg.model.backbone.drop_path_rate == (0.1 if 'pale' in name else 0.2)


@pytest.mark.parametrize('name', SMALL)
def test_small_configs_are_for_one_process(name):
    cfg = load(name)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size


@pytest.mark.parametrize('name', COCO + ADE + IMAGENET)
def test_eight_gpus_make_the_batch_that_the_learning_rate_is_for(name):
    cfg = load(name)
    batch = 1024 if name in IMAGENET else 16
    assert 8 * cfg.train_dataloader.batch_size == batch
    assert cfg.auto_scale_lr.base_batch_size == batch


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*.py')), ids=lambda p: p.stem)
def test_a_whole_checkpoint_exists_while_the_next_is_written(path):
    # mmengine deletes the oldest one first
    assert load_config(path).default_hooks.checkpoint.max_keep_ckpts >= 2
