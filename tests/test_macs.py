"""Multiply-accumulates are counted by kind and by module, and printed."""

from pathlib import Path

import mmdet
import mmseg
import pytest
import torch
from commands import ROOT, run
from torch import nn

from sepvit_mm import LITv2, SepViT
from sepvit_mm.engine import build_model, load_config
from sepvit_mm.measure.literal import literal_copy
from sepvit_mm.measure.macs import (
    KINDS,
    PRODUCTS,
    count_macs,
    macs_by_module,
    uncounted,
)
from sepvit_mm.zoo import config_path

MMDET = Path(mmdet.__file__).parent / '.mim/configs'
MMSEG = Path(mmseg.__file__).parent / '.mim/configs'


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
def test_macs_are_those_of_the_literal_definition(model, size):
    images = torch.zeros(2, 3, *size)
    model.eval()
    given = macs_by_module(model, images)['']
    literal = macs_by_module(literal_copy(model), images)['']
    for kind in PRODUCTS:
        assert given[kind] == literal[kind], kind
    assert count_macs(model, images) == sum(given[kind] for kind in PRODUCTS)


def test_modules_share_the_macs_of_the_whole():
    model = build_model(load_config(config_path('mask_rcnn_litv2_s_ws4_coco')))
    images = torch.zeros(1, 3, 96, 64, device='meta')
    macs = macs_by_module(model.to('meta').eval(), images)
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


def test_a_linear_layer_is_linear_however_it_is_run():
    # a frozen one, on a view that is not contiguous, runs as a batched product
    layer = nn.Sequential(nn.Linear(8, 16)).requires_grad_(False)
    images = torch.zeros(2, 8, 5, 6).permute(0, 2, 3, 1)
    counts = macs_by_module(layer, images)
    for name in ('', '0'):
        assert +counts[name] == {'linear': 2 * 5 * 6 * 8 * 16}


def test_every_stage_of_a_cascade_counts():
    path = MMDET / 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'
    model = build_model(load_config(path), device='meta').eval()
    macs = macs_by_module(model, torch.zeros(1, 3, 64, 64, device='meta'))
    heads = [macs[f'roi_head.bbox_head.{i}']['linear'] for i in range(3)]
    assert heads == [1000 * (256 * 49 * 1024 + 1024 * 1024 + 1024 * (81 + 4))] * 3


@pytest.mark.parametrize(
    'path, parts',
    [
        (MMDET / 'swin/retinanet_swin-t-p4-w7_fpn_1x_coco.py', 'backbone bbox_head'),
        (MMDET / 'solo/solo_r50_fpn_1x_coco.py', 'neck mask_head'),
        (MMDET / 'faster_rcnn/faster-rcnn_r50-caffe-c4_ms-1x_coco.py', 'roi_head'),
        (
            MMSEG / 'ocrnet/ocrnet_hr18s_4xb2-40k_cityscapes-512x1024.py',
            'decode_head',
        ),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else '',
)
def test_other_models_are_counted_whole(path, parts):
    model = build_model(load_config(path)).to('meta').eval()
    macs = macs_by_module(model, torch.zeros(1, 3, 128, 128, device='meta'))
    assert uncounted(model, macs) == []
    for part in parts.split():
        assert macs[part]['linear'] > 0


def test_what_is_not_counted_is_named(refusal, tmp_path):
    path = MMDET / 'detr/detr_r50_8xb2-150e_coco.py'
    message = refusal('get_flops.py', path)
    assert 'cannot count' in message and path.name in message
    config = ROOT / 'configs/upernet_sepvit_lite_nuclei.py'
    assert 'not counted: auxiliary_head' in run('get_flops.py', config, cwd=tmp_path)


def test_flops_are_printed_by_kind_and_by_module(tmp_path):
    litv2 = ROOT / 'configs/mask_rcnn_litv2_s_ws4_coco.py'
    lines = run('get_flops.py', litv2, cwd=tmp_path).splitlines()
    (header,) = (line for line in lines if 'parameters' in line and 'module' in line)
    kinds = ['linear', 'attention', 'deformable', 'norm', 'products']
    assert [kind for kind in kinds if kind in header] == kinds
    rows = [line.replace('│', ' ').split() for line in lines if '│' in line]
    parts = ['whole', 'backbone', 'neck', 'rpn_head', 'roi_head']
    assert [row[0] for row in rows] == parts
    assert rows[0][1:] == '47.35 241.71 7.28 3.54 0.26 252.53'.split()

    sepvit = ROOT / 'configs/atss_sepvit_lite_trees.py'
    shape = ('--shape', 64, 96, '--by-module', 3)
    output = run('get_flops.py', sepvit, *shape, cwd=tmp_path)
    assert '64 x 96' in output
    assert 'backbone.stages.3' in output and 'stages.3.blocks' not in output


def test_flops_are_counted_at_the_size_of_the_paper(tmp_path):
    config = ROOT / 'configs/litv2_b_384_imagenet.py'
    output = run('get_flops.py', config, cwd=tmp_path)
    assert '384 x 384' in output and '39.65' in output


def test_flops_of_too_small_an_image_are_refused(refusal):
    litv2 = ROOT / 'configs/litv2_s_imagenet.py'
    message = refusal('get_flops.py', litv2, '--shape', 8, 800)
    assert '--shape is [8, 800], but needs 32 pixels' in message
