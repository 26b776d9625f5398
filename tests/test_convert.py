"""Whole files are converted between the authors' names and ours, exactly."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from commands import ROOT
from mmengine.registry import MODELS, init_default_scope
from test_checkpoints import PALE, assert_filled, classifier
from test_litv2 import SMALL as LITV2
from test_sepvit import randomise

from sepvit_mm import LITv2, PaleTransformer, SepViT
from sepvit_mm.backbones.names import translate
from sepvit_mm.checkpoints import CheckpointError, convert
from sepvit_mm.engine import load_config


@pytest.mark.parametrize('family', [SepViT, LITv2])
@pytest.mark.parametrize('wrapper', [None, 'model'])
def test_conversion_is_exact_both_ways(family, wrapper):
    source, state = classifier(family)
    content = {wrapper: state, 'epoch': 3} if wrapper else state
    ours = convert(content, 'theirs.pth')
    assert ours.to_ours and ours.family == family.__name__
    converted = ours.content['state_dict']
    for name, value in source.state_dict().items():
        assert torch.equal(converted[f'backbone.{name}'], value)
    assert torch.equal(converted['head.fc.weight'], state['head.weight'])

    back = convert(ours.content, 'ours.pth')
    assert not back.to_ours
    again = back.content[wrapper] if wrapper else back.content
    assert list(again) == list(state)
    assert all(torch.equal(again[name], state[name]) for name in state)


@pytest.mark.parametrize('family', [SepViT, LITv2])
def test_a_backbone_alone_is_converted_too(family):
    source, state = classifier(family)
    back = convert(source.state_dict(), 'ours.pth')
    assert not back.to_ours
    bare = {name for name in state if not name.startswith('head.')}
    assert set(back.content['model']) == bare


def test_the_last_norm_of_a_whole_classifier_is_known():
    _, state = classifier(SepViT)
    whole = {f'backbone.{n}': v for n, v in state.items() if not n.startswith('head.')}
    assert 'backbone.norms.3.weight' in convert(whole, 'x').content['state_dict']


def test_conversion_knows_no_authors_of_pale():
    state = {f'backbone.{k}': v for k, v in PaleTransformer(PALE).state_dict().items()}
    with pytest.raises(CheckpointError, match='ours, but not of SepViT or LITv2'):
        convert(state, 'pale.pth')


def test_conversion_names_what_it_does_not_know():
    with pytest.raises(CheckpointError, match=r'neither ours nor.*conv1, layer1'):
        convert({'conv1.weight': torch.ones(1), 'layer1.x': torch.ones(1)}, 'resnet')
    _, state = classifier(LITv2)
    state['layers.0.unheard_of'] = torch.ones(1)
    state['mystery'] = torch.ones(1)
    with pytest.raises(CheckpointError, match=r'2 unknown names.*heard.*mystery'):
        convert(state, 'file.pth')


def test_conversion_loses_no_tensor_to_another_of_its_name():
    _, state = classifier(LITv2)
    state['norm3.weight'] = torch.ones(1)  # where `norm.weight` goes too
    with pytest.raises(CheckpointError, match=r'would become.*norms\.3\.weight'):
        convert(state, 'file.pth')


# Some names of mmdet 2 and mmseg 0, in which the authors' files were made.
RELEASED = {
    'retinanet_litv2_s_coco': {
        'backbone.layers.1.downsample.dconv.conv_offset.weight',
        'backbone.norm1.weight',
        'neck.lateral_convs.0.conv.weight',
        'neck.fpn_convs.4.conv.bias',
        'bbox_head.cls_convs.3.conv.weight',
        'bbox_head.retina_cls.weight',
    },
    'mask_rcnn_litv2_s_coco': {
        'backbone.layers.2.blocks.0.attn.h_qkv.weight',
        'rpn_head.rpn_conv.weight',
        'rpn_head.rpn_cls.weight',
        'roi_head.bbox_head.shared_fcs.1.weight',
        'roi_head.bbox_head.fc_cls.weight',
        'roi_head.mask_head.convs.3.conv.weight',
        'roi_head.mask_head.upsample.weight',
        'roi_head.mask_head.conv_logits.weight',
    },
    'fpn_litv2_s_ade20k': {
        'backbone.norm0.weight',
        'neck.lateral_convs.3.conv.weight',
        'decode_head.scale_heads.0.0.conv.weight',
        'decode_head.scale_heads.3.4.bn.running_mean',
        'decode_head.conv_seg.weight',
    },
}


@pytest.mark.parametrize('name', RELEASED)
def test_a_released_detector_or_segmentor_loads_strictly(name):
    # Of the layout of the authors' files: their names in the backbone, mmdet's and
    # mmseg's own elsewhere.
    cfg = load_config(ROOT / f'configs/{name}.py')
    init_default_scope(cfg.default_scope)
    cfg.model.backbone.arch = LITV2
    dims = LITV2['embed_dims']
    cfg.model.neck.in_channels = dims[4 - len(cfg.model.neck.in_channels) :]
    cfg.model.backbone.init_cfg = None
    model = randomise(MODELS.build(cfg.model))
    theirs = {}
    for key, value in model.state_dict().items():
        inner = key.removeprefix('backbone.')
        if inner != key:
            pairs = model.backbone.name_pairs
            key = f'backbone.{translate(inner, pairs, back=True)}'
        theirs[key] = value
    assert RELEASED[name] <= set(theirs)
    ours = convert({'state_dict': theirs, 'meta': {}}, 'released.pth')
    twin = MODELS.build(cfg.model)
    twin.load_state_dict(ours.content['state_dict'], strict=True)
    assert_filled(twin, model)
    assert list(convert(ours.content, 'ours').content['state_dict']) == list(theirs)


def test_tool_converts_there_and_back(tmp_path):
    _, state = classifier(LITv2)
    torch.save({'model': state}, tmp_path / 'theirs.pth')
    for source, target in (('theirs', 'ours'), ('ours', 'again')):
        done = run_tool(f'{source}.pth', f'{target}.pth', cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert 'LITv2' in done.stdout and 'sha256' in done.stdout
    again = torch.load(tmp_path / 'again.pth')['model']
    assert all(torch.equal(again[name], state[name]) for name in state)
    refused = run_tool('ours.pth', 'again.pth', cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.strip() == (
        'error: again.pth exists already; remove it or name another'
    )
    refused = run_tool('ours.pth', 'new.safetensors', cwd=tmp_path)
    assert 'only files of torch.save' in refused.stderr
    assert not (tmp_path / 'new.safetensors').exists()


def run_tool(*args, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / 'tools/convert_checkpoint.py', *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)
