"""Every config is what the manifest claims, and what is printed from it is current."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.registry import MODELS

from sepvit_mm.backbones.pale import SeparableProjection
from sepvit_mm.engine import build_model, load_config
from sepvit_mm.measure.macs import count_macs
from sepvit_mm.zoo import config_path, families, models, resolve_recipe, size_of
from sepvit_mm.zoo.tables import TASKS, files, renew, tables

ROOT = Path(__file__).parents[1]


def test_the_manifest_has_every_config():
    assert {*models()} == {path.stem for path in ROOT.glob('configs/*.py')}


@pytest.mark.parametrize('name', models())
def test_recipe_is_the_one_claimed(name):
    assert resolve_recipe(load_config(config_path(name))) == models()[name].recipe


@pytest.mark.parametrize('name', [n for n, m in models().items() if m.parameters])
def test_parameters_are_those_claimed(name):
    claimed, measured = models()[name].parameters, size_of(name).parameters
    # Exact; or with one digit, rounded for most and cut off for LITv2's 47.35.
    tolerance = 0 if isinstance(claimed, int) else 0.0501e6
    if name.startswith('pale'):  # two digits, with the biases that BatchNorm removes
        model = build_model(load_config(config_path(name)), device='meta')
        projections = [m for m in model.modules() if isinstance(m, SeparableProjection)]
        assert all(p.depthwise.bias is None for p in projections)
        measured += sum(p.depthwise.out_channels for p in projections)
        tolerance = 0.00501e6
    assert measured == pytest.approx(claimed, rel=0, abs=tolerance)


@pytest.mark.parametrize('name', [n for n, m in models().items() if m.macs])
def test_macs_are_those_published(name):
    model = models()[name]
    published = model.macs_corrected or model.macs
    if model.dataset == 'imagenet':
        rounding = 0.05  # G; one digit
    elif model.counted.shape == (512, 512):
        rounding = 0.5  # G; numbers small enough to matter
    else:
        rounding = 0.0
    assert size_of(name).macs / 1e9 == pytest.approx(
        published, rel=0.005, abs=0.005 * published + rounding
    )


@pytest.mark.parametrize(
    'key, value, differs',
    [
        ('param_scheduler.1.end', 5, 'schedule'),
        ('param_scheduler.0.begin', 100, 'schedule'),
        ('optim_wrapper.optimizer.eps', 1e-3, 'eps'),
        ('optim_wrapper.optimizer.betas', (0.5, 0.5), 'betas'),
        ('optim_wrapper.accumulative_counts', 4, 'batch'),
        ('train_dataloader.batch_size', 7, 'batch'),
        ('train_dataloader.dataset.ann_file', 'val.json', 'train_data'),
        (
            'train_dataloader.dataset.pipeline.3.type',
            'MinIoURandomCrop',
            'train_images',
        ),
        ('train_dataloader.dataset.filter_cfg', None, 'train_data'),
        ('train_dataloader.dataset.pipeline.2.scale', (1000, 600), 'train_images'),
        ('train_dataloader.dataset.pipeline.3.prob', 0.25, 'train_images'),
        ('test_dataloader.dataset.pipeline.1.keep_ratio', False, 'test_images'),
        ('custom_hooks', [dict(type='EMAHook')], 'hooks'),
        ('optim_wrapper.type', 'AmpOptimWrapper', 'mixed_precision'),
        ('optim_wrapper.clip_grad', dict(max_norm=1.0), 'clip_grad'),
        ('optim_wrapper.paramwise_cfg', dict(norm_decay_mult=0.0), 'decay_factors'),
        (
            'optim_wrapper.paramwise_cfg.custom_keys',
            {'neck': dict(decay_mult=0.1)},
            'decay_factors',
        ),
        (
            'optim_wrapper.paramwise_cfg.custom_keys',
            {'backbone.stages.0': dict(lr_mult=0.1)},
            'lr_factors',
        ),
        ('model.backbone.with_cp', True, 'checkpointing'),
        ('model.data_preprocessor.bgr_to_rgb', False, 'pixels'),
        ('model.data_preprocessor.std', [1.0, 1.0, 1.0], 'pixels'),
        ('load_from', 'other.pth', 'starts_from'),
    ],
)
def test_a_recipe_tells_what_was_changed(key, value, differs):
    path = config_path('retinanet_sepvit_t_coco')
    before = resolve_recipe(load_config(path))
    after = resolve_recipe(load_config(path, overrides={key: value}))
    assert {k for k in before if before[k] != after[k]} == {differs}


@pytest.mark.parametrize(
    'overrides',
    [
        {'optim_wrapper.paramwise_cfg.custom_keys': {'no_such': dict(lr_mult=0.1)}},
        {'param_scheduler.0.end_factor': 1.0},  # the default
        {'data_root': 'elsewhere'},
        {'train_dataloader.dataset.pipeline.0.backend_args': dict(backend='local')},
    ],
    ids=['a key of no parameter', 'a default', 'a folder', 'how files are read'],
)
def test_a_recipe_tells_nothing_of_what_changes_nothing(overrides):
    path = config_path('retinanet_sepvit_t_coco')
    after = resolve_recipe(load_config(path, overrides=overrides))
    assert after == resolve_recipe(load_config(path))


def test_a_factor_that_differs_within_a_kind_is_a_list():
    key = 'optim_wrapper.paramwise_cfg.custom_keys'
    path = config_path('retinanet_sepvit_t_coco')
    cfg = load_config(path, overrides={key: {'neck': dict(decay_mult=0.5)}})
    assert resolve_recipe(cfg)['decay_factors'] == {
        'weight': [0.5, 1.0],
        'bias': [0.5, 1.0],
    }


# Multiply-accumulates in G, with all the digits that were computed apart from here.
COMPUTED = {
    'sepvit_lite_imagenet': '0.568',
    'sepvit_t_imagenet': '4.519',
    'sepvit_s_imagenet': '7.455',
    'sepvit_b_imagenet': '13.055',
    'retinanet_sepvit_t_coco': '242.4',
    'retinanet_sepvit_s_coco': '301.8',
    'mask_rcnn_sepvit_t_coco': '261.3',
    'mask_rcnn_sepvit_s_coco': '320.8',
    'fpn_sepvit_t_ade20k': '181.5',
    'fpn_sepvit_s_ade20k': '244.0',
    'fpn_sepvit_b_ade20k': '366.8',
    'upernet_sepvit_t_ade20k': '940.1',
    'upernet_sepvit_s_ade20k': '1002.6',
    'upernet_sepvit_b_ade20k': '1127.5',
    'pale_t_imagenet': '4.20',
    'pale_s_imagenet': '8.98',
    'pale_b_imagenet': '15.53',
    'mask_rcnn_pale_t_coco': '305.7',
    'mask_rcnn_pale_s_coco': '431.1',
    'mask_rcnn_pale_b_coco': '594.2',
    'upernet_pale_t_ade20k': '995.9',
    'upernet_pale_s_ade20k': '1133.7',
    'upernet_pale_b_ade20k': '1310.1',
}
# LITv2's include about 0.2 % that are no products.
COMPUTED_WITH_MORE = {
    'litv2_s_imagenet': 3.734,
    'litv2_m_imagenet': 7.479,
    'litv2_b_imagenet': 13.194,
    'litv2_b_384_imagenet': 39.709,
}
# SepViT's with the products of attention, which its paper leaves out.
WITH_ATTENTION = {
    'retinanet_sepvit_t_coco': 258.4,
    'retinanet_sepvit_s_coco': 322.4,
    'mask_rcnn_sepvit_t_coco': 277.3,
    'mask_rcnn_sepvit_s_coco': 341.3,
    'fpn_sepvit_t_ade20k': 199.3,
    'fpn_sepvit_s_ade20k': 267.1,
    'fpn_sepvit_b_ade20k': 397.6,
    'upernet_sepvit_t_ade20k': 958.0,
    'upernet_sepvit_s_ade20k': 1025.7,
    'upernet_sepvit_b_ade20k': 1158.4,
}


@pytest.mark.parametrize('name', COMPUTED | COMPUTED_WITH_MORE)
def test_macs_are_those_computed_from_the_papers(name):
    macs = size_of(name).macs / 1e9
    if name in COMPUTED_WITH_MORE:
        assert macs == pytest.approx(COMPUTED_WITH_MORE[name], rel=3e-3)
        return
    digits = len(COMPUTED[name].partition('.')[2])
    # of all digits there are, the last may be off by one
    assert abs(round(macs, digits) - float(COMPUTED[name])) < 1.5 * 10**-digits


@pytest.mark.parametrize('name', WITH_ATTENTION)
def test_macs_with_attention_are_those_computed_from_the_papers(name):
    counted = models()[name].counted
    model = build_model(load_config(config_path(name)), device='meta').eval()
    images = torch.zeros(1, 3, *counted.shape, device='meta')
    macs = count_macs(model, images)
    assert macs / 1e9 == pytest.approx(WITH_ATTENTION[name], rel=5e-4)


def test_only_configs_without_a_paper_lack_published_figures():
    for name, model in models().items():
        assert bool(model.results) == bool(model.macs), name
        if not model.results:
            assert model.recipe_by == 'us', name
        assert bool(model.measured) != (model.dataset in TASKS), name


def test_tables_of_the_docs_are_current_and_all_there():
    current = tables()
    texts = [path.read_text() for path in ROOT.glob('docs/**/*.md')]
    for text in texts:
        assert renew(text, current) == text
    places = re.findall(r'<!-- table: (\S+) -->', ''.join(texts))
    assert sorted(places) == sorted(current)


def test_metafiles_are_current_and_name_every_config():
    listed = set()
    for path, text in files().items():
        assert (ROOT / path).read_text() == text, path
        for entry in yaml.safe_load(text).get('Models', []):
            listed.add(entry['Name'])
            assert (ROOT / entry['Config']).is_file()
            assert entry['Metadata']['Parameters'] == size_of(entry['Name']).parameters
            assert 'Results' not in entry  # none was measured on these datasets
            measured = 'Measured here' in entry['Metadata']
            assert measured == (models()[entry['Name']].dataset not in TASKS)
    assert listed == {*models()}


def test_every_family_is_a_registered_backbone():
    for name, family in families().items():
        assert name in MODELS
        assert all(
            load_config(config_path(model)).model.backbone.type == name
            for model in family.models
        )
