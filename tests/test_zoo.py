"""Every config is what the manifest claims, and what is printed of it is current."""

from pathlib import Path

import pytest
import torch
import yaml
from literal import literal_copy
from mmengine.registry import MODELS

from sepvit_mm import LITv2, PaleTransformer, SepViT
from sepvit_mm.complexity import KINDS, PRODUCTS, count_macs, macs_by_module
from sepvit_mm.engine import build_model, load_config
from sepvit_mm.zoo import config_path, families, measure, models, resolve_recipe
from sepvit_mm.zoo.tables import files, renew, tables

ROOT = Path(__file__).parents[1]


def test_the_manifest_has_every_config():
    assert {*models()} == {path.stem for path in ROOT.glob('configs/*.py')}


@pytest.mark.parametrize('name', models())
def test_recipe_is_the_one_claimed(name):
    assert resolve_recipe(load_config(config_path(name))) == models()[name].recipe


@pytest.mark.parametrize('name', [n for n, m in models().items() if m.parameters])
def test_parameters_are_those_claimed(name):
    claimed = models()[name].parameters
    # Exact, or millions with one digit: rounded for most, cut off for LITv2's 47.35.
    tolerance = 0 if isinstance(claimed, int) else 0.0501e6
    assert measure(name).parameters == pytest.approx(claimed, rel=0, abs=tolerance)


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
    assert measure(name).macs / 1e9 == pytest.approx(
        published, rel=0.005, abs=0.005 * published + rounding
    )


def test_only_configs_without_a_paper_lack_published_figures():
    for name, model in models().items():
        assert bool(model.results) == bool(model.macs), name
        if not model.results:
            assert model.recipe_by == 'us', name
        # small datasets are measured, except the one that only makes weights
        assert bool(model.measured) == (model.dataset in ('trees', 'nuclei')), name


@pytest.mark.parametrize(
    'model, size',
    [
        (SepViT('lite'), (200, 330)),
        (SepViT('lite'), (224, 224)),
        (SepViT('lite', mode='classification'), (224, 224)),
        (SepViT('lite', mode='classification', window_token='zero'), (100, 100)),
        (LITv2('small', out_indices=(2,), window_sizes=(0, 0, 4, 1)), (210, 330)),
        (LITv2('small', out_indices=(2,), window_sizes=(3, 4, 2, 1)), (140, 90)),
    ],
    ids=str,
)
def test_macs_as_defined_are_those_of_the_literal_definition(model, size):
    images = torch.zeros(2, 3, *size)
    model.eval()
    given = macs_by_module(model, images, as_defined=True)['']
    literal = macs_by_module(literal_copy(model), images)['']
    for kind in PRODUCTS:
        assert given[kind] == literal[kind], kind
    assert count_macs(model, images) < sum(given[kind] for kind in PRODUCTS)


def test_pale_transformer_computes_what_is_defined():
    model = PaleTransformer('tiny').eval()
    images = torch.zeros(1, 3, 200, 330)
    assert count_macs(model, images) == count_macs(model, images, as_defined=True)


def test_modules_share_the_macs_of_the_whole():
    model = build_model(load_config(config_path('mask_rcnn_litv2_s_ws4_coco')))
    images = torch.zeros(1, 3, 96, 64, device='meta')
    macs = macs_by_module(model.to('meta').eval(), images, as_defined=True)
    parts = ('backbone', 'neck', 'rpn_head', 'roi_head')
    heads = ('roi_head.bbox_head', 'roi_head.mask_head')
    for kind in KINDS:
        assert macs[''][kind] == sum(macs[part][kind] for part in parts)
        assert macs['roi_head'][kind] == sum(macs[head][kind] for head in heads)
    # the box head's two layers on a thousand boxes
    assert macs['roi_head.bbox_head.shared_fcs']['linear'] == 1000 * (
        256 * 7 * 7 * 1024 + 1024 * 1024
    )


def test_unknown_kinds_of_macs_are_refused():
    with pytest.raises(ValueError, match=r"'flops'.*'linear', 'attention'"):
        count_macs(torch.nn.Linear(2, 2), torch.zeros(1, 2), kinds=['flops'])


def test_tables_of_the_readme_are_current():
    readme = (ROOT / 'README.md').read_text()
    current = tables()
    assert renew(readme, current) == readme
    for name in current:
        assert f'<!-- table: {name} -->' in readme


def test_metafiles_are_current_and_name_every_config_of_a_paper():
    listed = set()
    for path, text in files().items():
        assert (ROOT / path).read_text() == text, path
        for entry in yaml.safe_load(text).get('Models', []):
            listed.add(entry['Name'])
            assert (ROOT / entry['Config']).is_file()
            assert entry['Metadata']['Parameters'] == measure(entry['Name']).parameters
            assert 'Results' not in entry  # none was measured on these datasets
    small = {n for n, m in models().items() if m.measured} | {'sepvit_lite_crowns'}
    assert listed == {*models()} - small


def test_every_family_is_a_registered_backbone():
    for name, family in families().items():
        assert name in MODELS
        assert all(
            load_config(config_path(model)).model.backbone.type == name
            for model in family.models
        )
