"""Layers of the backbones may be replaced, wrapped and counted by other libraries."""

import copy
import warnings
from functools import partial

import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.registry import MODELS
from mmpretrain.models.peft import LoRAModel
from test_backbones import BACKBONES, total
from torch import nn
from torch.nn.utils import parametrize, prune

# a size that neither patches nor windows divide, so that everything pads
SIZE = (61, 90)
LAYERS = (nn.Linear, nn.Conv2d)


@pytest.fixture(params=BACKBONES)
def config(request):
    return copy.deepcopy(BACKBONES[request.param])


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    return MODELS.build(config).eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))


def layers_of(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, LAYERS)]


def test_every_module_with_parameters_is_called(model, images):
    # so whatever replaces a module, or hooks into it, takes part
    own = {
        name
        for name, module in model.named_modules()
        if any(True for _ in module.parameters(recurse=False))
    }
    called = set()
    for name in own:
        hook = partial(lambda name, *_: called.add(name), name)
        model.get_submodule(name).register_forward_pre_hook(hook)
    model(images)
    assert called == own


def test_linear_layers_run_in_int8(model, images):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # deprecated, but users have it
        small = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, torch.qint8)
    assert not any(type(module) is nn.Linear for module in small.modules())
    with torch.no_grad():
        exact, rounded = model(images)[-1], small(images)[-1]
    error = (exact - rounded).abs().mean() / exact.abs().mean()
    assert 0 < error < 0.02


def test_linear_layers_are_adapted_by_lora(config, model, images):
    torch.manual_seed(0)  # as the model
    adapted = LoRAModel(module=config, rank=2, targets=[dict(type='.*')]).eval()
    before = adapted(images)
    for expected, given in zip(model(images), before):
        torch.testing.assert_close(given, expected)
    optimizer = torch.optim.SGD(adapted.parameters(), lr=0.1)
    total(before).backward()
    learning = [p for p in adapted.parameters() if p.requires_grad]
    linear = [layer for layer in layers_of(model) if isinstance(layer, nn.Linear)]
    assert len(learning) == 2 * len(linear)
    assert all(p.grad is not None for p in learning)
    optimizer.step()
    assert not torch.equal(adapted(images)[-1], before[-1])


class Double(nn.Module):
    """A parametrization that shows whether it was used."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def test_parametrized_weights_are_used(model, images):
    twin = copy.deepcopy(model)
    for layer in layers_of(model):
        parametrize.register_parametrization(layer, 'weight', Double())
    for layer in layers_of(twin):
        layer.weight.data.mul_(2)
    for given, expected in zip(model(images), twin(images)):
        torch.testing.assert_close(given, expected)


def test_pruned_weights_stay_pruned_while_they_learn(model, images):
    for layer in layers_of(model):
        prune.random_unstructured(layer, 'weight', 0.5)
    total(model(images)).backward()
    torch.optim.SGD(model.parameters(), lr=0.01).step()
    pruned = model(images)
    for layer in layers_of(model):
        # compute anew what the layer's hook should have computed before its call
        layer.weight = layer.weight_orig * layer.weight_mask
        layer._forward_pre_hooks.clear()
    for given, expected in zip(pruned, model(images)):
        torch.testing.assert_close(given, expected)


def test_operators_are_counted_by_mmengine(model, images):
    counted = get_model_complexity_info(
        model, inputs=(images,), show_table=False, show_arch=False
    )
    assert counted['flops'] > 0
    assert counted['params'] == sum(p.numel() for p in model.parameters())
