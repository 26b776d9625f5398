"""SepViT gives what the authors' code gives, forward and backward.

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

from sepvit_mm import SepViT
from sepvit_mm.backbones.sepvit import from_authors_key

GOLDENS = Path(__file__).parent / 'goldens'
# Of the largest value of a tensor. In float64 what remains is the storage's rounding.
BOUNDS = {torch.float64: 1e-6, torch.float32: 5e-6}


class Classifier(nn.Module):
    """The authors' classification model: average pool and a linear head."""

    def __init__(self, arch: dict, num_classes: int) -> None:
        super().__init__()
        self.backbone = SepViT(arch, mode='classification')
        self.head = nn.Linear(arch['embed_dims'][-1], num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.head(self.backbone(x)[-1].mean(dim=(2, 3))),)


def load(name: str, dtype: torch.dtype) -> tuple[nn.Module, dict[str, Tensor]]:
    with np.load(GOLDENS / f'{name}.npz') as file:
        config = json.loads(str(file['config']))
        golden = {k: torch.from_numpy(file[k]) for k in file.files if k != 'config'}
    keys = ('embed_dims', 'num_heads', 'depths', 'window_sizes')
    arch = {key: config[key] for key in keys}
    state = {k.removeprefix('state/'): v for k, v in golden.items() if k[:3] == 'sta'}
    if config['behaviour'] == 'dense':
        model = SepViT(arch)
        model.load_state_dict(state)
    else:
        model = Classifier(arch, config['num_classes'])
        model.head.load_state_dict({k: state[f'head.{k}'] for k in ('weight', 'bias')})
        model.backbone.load_state_dict(state)
    return model.to(dtype).eval(), golden


def assert_close(
    given: Tensor, golden: Tensor, bound: float, what: str, largest: Tensor
) -> None:
    error = (given.double() - golden.double()).abs().max() / largest
    assert error <= bound, f'{what}: off by {error:.1e} of the largest value'


@pytest.mark.parametrize('dtype', BOUNDS, ids=str)
@pytest.mark.parametrize('name', ['sepvit_cls', 'sepvit_dense', 'sepvit_dense_odd'])
def test_outputs_and_gradients_are_the_authors(name: str, dtype: torch.dtype) -> None:
    model, golden = load(name, dtype)
    bound = BOUNDS[dtype]
    image = golden['input'].to(dtype).requires_grad_()
    outs = model(image)

    loss = image.new_zeros(())
    for i, out in enumerate(outs):
        expected = golden[f'out/{i}']
        assert_close(out, expected, bound, f'output {i}', expected.abs().max())
        waves = torch.sin(0.37 * torch.arange(out.numel(), dtype=torch.float64) + i)
        loss = loss + (out * waves.view(out.shape).to(dtype)).mean()
    assert f'out/{len(outs)}' not in golden

    loss.backward()
    expected = golden['grad_input']
    assert_close(image.grad, expected, bound, 'input gradient', expected.abs().max())
    backbone = getattr(model, 'backbone', model)
    ours = dict(backbone.named_parameters())
    grads = {k.removeprefix('grad/'): v for k, v in golden.items() if k[:5] == 'grad/'}
    assert len(grads) >= 30
    overall = max(grad.abs().max() for grad in grads.values())
    for key, grad in grads.items():
        parameter = (
            model.get_parameter(key)
            if key.startswith('head.')
            else ours[from_authors_key(key)]
        )
        # In float32 a small gradient carries the rounding of the large ones behind it.
        # It is 0 for queries and keys where the image is a single window.
        exact = dtype == torch.float64 and grad.any()
        largest = grad.abs().max() if exact else overall
        assert_close(parameter.grad, grad, bound, f'gradient of {key}', largest)
