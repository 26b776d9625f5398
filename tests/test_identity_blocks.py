"""Attention and MLP that add nothing at first, with active units inside."""

import pytest
import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from sepvit_mm import IdentityBlocks

NARROW = dict(embed_dims=[32, 64, 128, 256], depths=[1, 2, 6, 2])
ARCHS = {
    'SepViT': 'lite',
    'PaleTransformer': dict(NARROW, num_heads=[2, 2, 4, 8]),
    'LITv2': dict(NARROW, num_heads=[1, 2, 4, 8], window_sizes=[0, 0, 2, 1]),
}


@pytest.fixture(params=ARCHS)
def model(request):
    torch.manual_seed(0)
    cfg = dict(type=request.param, arch=ARCHS[request.param])
    model = MODELS.build(cfg | dict(init_cfg=dict(type=IdentityBlocks.__name__)))
    model.init_weights()
    return model.eval()


def test_attention_and_mlp_of_every_block_add_nothing(model):
    added = []
    for stage in model.stages:
        for block in stage.blocks:
            for branch in filter(None, (block.attn, block.mlp)):
                branch.register_forward_hook(
                    lambda branch, args, out: added.append(out.abs().max().item())
                )
    model(torch.rand(1, 3, 64, 64))
    assert len(added) >= 11 and set(added) == {0.0}


def test_hidden_values_have_the_variance_of_their_input(model):
    stds = []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and not name.endswith(('proj', 'fc2')):
            assert not layer.bias.any()
            with torch.no_grad():
                stds.append(layer(torch.randn(2000, layer.in_features)).std().item())
    assert len(stds) >= 20
    assert 0.85 < min(stds) <= max(stds) < 1.15


def test_mmengine_logs_which_weights_it_drew(monkeypatch):
    said = set()

    def dump(self):
        said.update(info['init_info'] for info in self._params_init_info.values())

    monkeypatch.setattr(BaseModule, '_dump_init_info', dump)
    cfg = dict(type='SepViT', arch='lite', init_cfg=dict(type='IdentityBlocks'))
    MODELS.build(cfg).init_weights()
    assert any(each.startswith('IdentityBlocks') for each in said)


def test_only_linear_layers_change():
    torch.manual_seed(0)
    plain = MODELS.build(dict(type='SepViT', arch='lite'))
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    IdentityBlocks()(plain)
    changed = {
        n for n, value in plain.state_dict().items() if (value != before[n]).any()
    }
    linear = {n for n, layer in plain.named_modules() if isinstance(layer, nn.Linear)}
    assert changed == {f'{name}.weight' for name in linear}
