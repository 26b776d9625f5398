"""SepViT and LITv2 give what the authors' code gives, forward and backward.

``goldens/*.npz`` were made with the authors' code at small sizes: random weights under
the authors' key names, an input, outputs and gradients, computed in float64 and stored
in float32. The gradient is that of the loss below.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepvit_mm import LITv2, SepViT
from sepvit_mm.backbones.litv2 import DEFORM, DeformableMerging
from sepvit_mm.backbones.names import translate

GOLDENS = Path(__file__).parent / 'goldens'
SEPVIT = ['sepvit_cls', 'sepvit_dense', 'sepvit_dense_odd']
LITV2 = ['litv2_cls', 'litv2_det', 'litv2_seg']
# Relative to the largest value of a tensor. In float64, only the rounding of the stored
# files remains; in float32, LITv2's sampled offsets amplify the rounding of arithmetic.
BOUNDS = {
    ('sepvit', torch.float64): 1e-6,
    ('sepvit', torch.float32): 5e-6,
    ('litv2', torch.float64): 1e-6,
    ('litv2', torch.float32): 3e-4,
}


class Classifier(nn.Module):
    """The authors' classification models: average pool and a linear head."""

    def __init__(self, backbone: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.out_channels[-1], num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.head(self.backbone(x)[-1].mean(dim=(2, 3))),)


def build_sepvit(config: dict) -> nn.Module:
    keys = ('embed_dims', 'num_heads', 'depths', 'window_sizes')
    mode = 'dense' if config['behaviour'] == 'dense' else 'classification'
    return SepViT({key: config[key] for key in keys}, mode=mode)


def build_litv2(config: dict, deform: str) -> nn.Module:
    arch = dict(
        embed_dims=[config['embed_dim'] * 2**stage for stage in range(4)],
        num_heads=config['num_heads'],
        depths=config['depths'],
        window_sizes=config['local_ws'],
    )
    task = config['behaviour'].split()[0]
    return LITv2(arch, alpha=config['alpha'], mode=task, deform=deform)


def load(
    name: str, dtype: torch.dtype, deform: str
) -> tuple[nn.Module, dict[str, Tensor]]:
    with np.load(GOLDENS / f'{name}.npz') as file:
        config = json.loads(str(file['config']))
        golden = {k: torch.from_numpy(file[k]) for k in file.files if k != 'config'}
    state = {k.removeprefix('state/'): v for k, v in golden.items() if k[:3] == 'sta'}
    if name in SEPVIT:
        backbone = build_sepvit(config)
    else:
        backbone = build_litv2(config, deform)
    backbone.load_state_dict(state, strict=True)
    model = backbone
    if 'num_classes' in config:
        model = Classifier(backbone, config['num_classes'])
        model.head.load_state_dict({k: state[f'head.{k}'] for k in ('weight', 'bias')})
    return model.to(dtype).eval(), golden


def assert_close(
    given: Tensor, golden: Tensor, bound: float, what: str, largest: Tensor
) -> None:
    error = (given.double() - golden.double()).abs().max() / largest
    assert error <= bound, f'{what}: off by {error:.1e} of the largest value'


def loss_of(outs: tuple[Tensor, ...]) -> Tensor:
    loss = 0
    for i, out in enumerate(outs):
        waves = torch.sin(0.37 * torch.arange(out.numel(), dtype=torch.float64) + i)
        loss = loss + (out * waves.view(out.shape).to(out.dtype)).mean()
    return loss


def sample_at(model: nn.Module, exact: nn.Module, image: Tensor) -> None:
    """Let a model's mergings sample at the positions of its float64 copy.

    The derivative of a sample jumps where its position crosses a pixel. One offset of
    `litv2_det` is 8e-6 pixels from such a place, and rounding in float32 crosses it.
    """
    for stage, twin in zip(
        backbone_of(model).stages[1:], backbone_of(exact).stages[1:]
    ):
        kept = []
        twin.embed.offset.register_forward_hook(
            lambda module, args, out, kept=kept: kept.append(out.detach())
        )
        stage.embed.offset.register_forward_hook(
            lambda module, args, out, kept=kept: (
                out + (kept[0].to(out.dtype) - out).detach()
            )
        )
    exact(image.double())


def backbone_of(model: nn.Module) -> nn.Module:
    return getattr(model, 'backbone', model)


CASES = [(name, '') for name in SEPVIT]
CASES += [(name, deform) for name in LITV2 for deform in sorted(DEFORM)]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize('name, deform', CASES)
def test_outputs_are_the_authors(name: str, deform: str, dtype: torch.dtype) -> None:
    model, golden = load(name, dtype, deform)
    bound = BOUNDS[name.split('_')[0], dtype]
    outs = model(golden['input'].to(dtype))
    assert f'out/{len(outs)}' not in golden
    for i, out in enumerate(outs):
        expected = golden[f'out/{i}']
        assert_close(out, expected, bound, f'output {i}', expected.abs().max())


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize('name, deform', CASES)
def test_gradients_are_the_authors(
    name: str, deform: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, golden = load(name, dtype, deform)
    bound = BOUNDS[name.split('_')[0], dtype]
    image = golden['input'].to(dtype).requires_grad_()
    if name in LITV2 and dtype == torch.float32:
        sample_at(model, load(name, torch.float64, deform)[0], golden['input'])
    if name == 'litv2_seg':
        monkeypatch.setattr(DeformableMerging, 'forward', merge_in_the_authors_layout)
    loss_of(model(image)).backward()

    backbone = backbone_of(model)
    ours = dict(backbone.named_parameters())
    grads = {k.removeprefix('grad/'): v for k, v in golden.items() if k[:5] == 'grad/'}
    assert len(grads) >= 30
    overall = max(grad.abs().max() for grad in grads.values())
    grads['input'] = golden['grad_input']
    for key, grad in grads.items():
        if key == 'input':
            given = image.grad
        elif key.startswith('head.'):
            given = model.get_parameter(key).grad
        else:
            given = ours[translate(key, backbone.name_pairs)].grad
        # In float32, a small gradient carries the rounding of the large ones that it is
        # computed from. For queries and keys it is 0 if the image is a single window.
        own = key == 'input' or (dtype == torch.float64 and grad.any())
        largest = grad.abs().max() if own else overall
        assert_close(given, grad, bound, f'gradient of {key}', largest)


def merge_in_the_authors_layout(self: DeformableMerging, x: Tensor) -> Tensor:
    """Merge in the layout of the authors' code, for the gradients of `litv2_seg`.

    These are not the true derivatives: PyTorch's BatchNorm on CPUs misreads a gradient
    in this layout if the batch is 1. `test_gradients_are_derivatives` below shows that
    ours are right. In the same layout, the file's numbers can still be compared.
    """
    offset = self.offset(x).permute(0, 3, 1, 2)
    x = self.conv(x.permute(0, 3, 1, 2), offset).contiguous()
    x = self.act(self.norm(x))
    size = x.shape[2:]
    x = x.flatten(2).transpose(1, 2)
    if x.requires_grad:
        x.register_hook(lambda grad: grad.contiguous())
    return x.unflatten(1, size)


@pytest.mark.parametrize('deform', sorted(DEFORM))
def test_gradients_are_derivatives(deform: str) -> None:
    model, golden = load('litv2_seg', torch.float64, deform)
    image = golden['input'].double()
    loss_of(model(image)).backward()
    step = 1e-6
    with torch.no_grad():
        for stage in model.stages[1:]:
            for parameter in (stage.embed.norm.bias, stage.embed.offset.bias):
                value = parameter[0].item()
                losses = []
                for sign in (1, -1):
                    parameter[0] = value + sign * step
                    losses.append(loss_of(model(image)).item())
                parameter[0] = value
                slope = (losses[0] - losses[1]) / (2 * step)
                assert parameter.grad[0].item() == pytest.approx(slope, rel=1e-4)
