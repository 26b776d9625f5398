"""What is particular to LITv2: HiLo, deformable merging, size, checkpoints."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sepvit import randomise

from sepvit_mm import HiLo, LITv2
from sepvit_mm.backbones.litv2 import (
    DeformableMerging,
    deform_by_grid_sample,
    deform_by_torchvision,
)
from sepvit_mm.backbones.names import translate
from sepvit_mm.measure.literal import hilo_attention, literal_copy
from sepvit_mm.measure.macs import count_macs

SMALL = dict(
    embed_dims=[4, 8, 16, 32],
    depths=[1, 1, 2, 1],
    num_heads=[1, 2, 4, 8],
    window_sizes=[0, 0, 2, 1],
)


def gradients(function, inputs: list[torch.Tensor], weights: torch.Tensor) -> list:
    """Evaluate a function and its gradients, zero where there is none."""
    out = function()
    return [
        out,
        *torch.autograd.grad(
            (out * weights).sum(), inputs, allow_unused=True, materialize_grads=True
        ),
    ]


def assert_same(attn, fast, literal, shape: tuple[int, ...], seed: int) -> None:
    """Two ways to compute an attention agree, with all their gradients."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    weights = torch.randn(shape, generator=generator, dtype=torch.float64)
    results = []
    for attend in (fast, literal):
        inputs = [x.clone().requires_grad_(), *attn.parameters()]
        results.append(
            gradients(lambda a=attend, i=inputs: a(attn, i[0]), inputs, weights)
        )
    for given_value, expected in zip(*results):
        torch.testing.assert_close(given_value, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 13),
    width=st.integers(1, 13),
    heads=st.sampled_from([1, 2, 3, 5]),
    head_dim=st.sampled_from([1, 4]),
    window=st.sampled_from([1, 2, 3, 4]),
    alpha=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    seed=st.integers(0, 2**16),
)
def test_fast_attention_is_the_literal_one(
    batch, height, width, heads, head_dim, window, alpha, seed
):
    attn = HiLo(heads * head_dim, heads, window, alpha)
    randomise(attn.double(), seed)
    shape = (batch, height, width, heads * head_dim)
    assert_same(attn, HiLo.forward, hilo_attention, shape, seed)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 2),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    kernel=st.sampled_from([1, 2]),
    reach=st.sampled_from([0.3, 3.0]),
    seed=st.integers(0, 2**16),
)
def test_both_ways_to_deform_are_one(batch, height, width, kernel, reach, seed):
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    size = (height // kernel, width // kernel)
    inputs = [
        random(batch, 3, height, width),
        reach * random(batch, 2 * kernel**2, *size),  # some look beyond the borders
        random(5, 3, kernel, kernel),
        random(5),
    ]
    inputs = [value.requires_grad_() for value in inputs]
    weights = random(batch, 5, *size)
    results = [
        gradients(lambda d=deform: d(*inputs), inputs, weights)
        for deform in (deform_by_torchvision, deform_by_grid_sample)
    ]
    for operator, samples in zip(*results):
        torch.testing.assert_close(operator, samples, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize('deform', ['torchvision', 'grid_sample'])
def test_merging_without_offsets_is_a_plain_convolution(deform):
    merging = DeformableMerging(3, 5, deform=deform).double().eval()
    torch.nn.init.zeros_(merging.offset.weight)
    torch.nn.init.zeros_(merging.offset.bias)
    x = torch.randn(2, 7, 9, 3, dtype=torch.float64)  # odd: the last are dropped
    weight, bias = merging.conv.weight, merging.conv.bias
    plain = F.conv2d(x.permute(0, 3, 1, 2), weight, bias, stride=2)
    plain = merging.act(merging.norm(plain)).permute(0, 2, 3, 1)
    torch.testing.assert_close(merging(x), plain)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('deform', ['torchvision', 'grid_sample'])
def test_halves_find_their_place_in_a_large_map(deform, dtype):
    merging = DeformableMerging(3, 5, deform=deform).eval()
    torch.nn.init.constant_(merging.offset.bias, 0.3)
    merging = merging.to(dtype)
    x = torch.randn(1, 20, 600, 3).to(dtype)  # halves cannot count to 600 by thirds
    half = merging(x)
    assert half.dtype == dtype
    exact = merging.float()(x.float())
    assert (half - exact).norm() < 0.02 * exact.norm()


def test_offsets_start_at_zero():
    model = LITv2(SMALL)
    for stage in model.stages[1:]:
        assert not stage.embed.offset.weight.any()
        assert not stage.embed.offset.bias.any()
        assert stage.embed.conv.weight.any()


@pytest.mark.parametrize('deform', ['torchvision', 'grid_sample'])
@pytest.mark.parametrize('size', [(224, 224), (97, 131)])
def test_whole_model_is_the_literal_one(size, deform):
    model = randomise(LITv2(SMALL, deform=deform).double()).eval()
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    for fast, literal in zip(model(images), literal_copy(model)(images)):
        torch.testing.assert_close(fast, literal, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    'size, out_indices, least',
    [((28, 32), (3,), 29), ((40, 1), (0, 1, 2, 3), 29), ((12, 99), (0, 2), 13)],
)
def test_an_image_that_is_too_small_names_the_limit(size, out_indices, least):
    model = LITv2(SMALL, out_indices=out_indices).eval()
    message = f'{size[0]} x {size[1]} pixels, but LITv2 needs {least} or more each way'
    with pytest.raises(ValueError, match=message):
        model(torch.zeros(1, 3, *size))
    last = model(torch.zeros(1, 3, least, least))[-1]
    assert last.shape[2:] == (1, 1)


def test_heads_are_divided_by_alpha():
    def heads(*args):
        attn = HiLo(*args)
        return tuple(part and part.num_heads for part in (attn.hifi, attn.lofi))

    assert heads(384, 12, 2, 0.9) == (2, 10)  # specification: small, medium
    assert heads(512, 16, 2, 0.9) == (2, 14)  # base
    assert heads(768, 24, 1, 0.9) == (None, 24)  # no windows: global attention
    assert heads(96, 3, 2, 0.0) == (3, None)
    assert heads(96, 3, 2, 1.0) == (None, 3)


def test_a_window_size_replaces_the_architectures():
    model = LITv2('small', window_sizes=[0, 0, 4, 1])
    assert model.stages[2].blocks[0].attn.lofi.window_size == 4
    assert model.stages[1].blocks[0].attn is None


def test_one_attention_costs_what_the_specification_says():
    with torch.device('meta'):
        attn = HiLo(384, 12, window_size=2, alpha=0.5)
        x = torch.zeros(1, 14, 14, 384)
    assert count_macs(attn, x) == 83_467_776


# Specification: parameters with 1000 classes; backbone alone; MACs at 224 x 224.
SIZES = {
    'small': (27_844_000, 27_073_464, 3.734),
    'medium': (48_830_368, 48_059_832, 7.479),
    'base': (86_520_704, 85_493_656, 13.194),
}


@pytest.mark.parametrize('arch', SIZES)
def test_size_is_the_papers(arch):
    params, bare_params, giga_macs = SIZES[arch]
    with torch.device('meta'):
        model = LITv2(arch, mode='classification').eval()
        images = torch.zeros(1, 3, 224, 224)
    channels = model.out_channels[-1]
    given = sum(p.numel() for p in model.parameters())
    assert given + 1000 * (channels + 1) == params
    assert given - 2 * channels == bare_params
    macs = count_macs(model, images) + 1000 * channels
    # Ours leaves out what is not a product: norms, activations, interpolation.
    assert macs / 1e9 == pytest.approx(giga_macs, rel=0.004)


def authors_state(model: LITv2) -> dict[str, torch.Tensor]:
    """A model's state under the authors' names."""
    state = model.state_dict()
    theirs = {key: translate(key, model.name_pairs, back=True) for key in state}
    assert all(theirs.values())
    return {theirs[key]: value for key, value in state.items()}


@pytest.mark.parametrize('task', ['detection', 'segmentation', 'classification'])
def test_authors_checkpoint_loads_strictly(task):
    model = randomise(LITv2(SMALL, mode=task))
    state = authors_state(model)
    assert 'layers.0.downsample.dconv.conv_offset.weight' in state
    assert 'layers.2.downsample.norm_layer.running_var' in state
    assert 'layers.2.blocks.1.attn.h_qkv.weight' in state
    assert ('norm.weight' in state) is (task == 'classification')
    assert ('norm1.weight' in state) is (task != 'classification')
    other = LITv2(SMALL, mode=task)
    other.load_state_dict(state, strict=True)
    for key, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


def test_classification_weights_lack_the_output_norms_of_a_dense_model():
    state = authors_state(LITv2(SMALL, mode='classification'))
    state['head.weight'] = torch.zeros(10, 32)
    result = LITv2(SMALL).load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    missing = [f'norms.{i}.{kind}' for i in (1, 2, 3) for kind in ('weight', 'bias')]
    assert result.missing_keys == missing


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(mode='none'), "mode is 'none'.*detection.*segmentation.*classification"),
        (dict(deform='mmcv'), "deform.*'mmcv'.*torchvision.*grid_sample"),
        (dict(alpha=1.5), r'alpha is 1.5.*\[0, 1\]'),
        (dict(window_sizes=[0, 0, -1, 1]), 'window_sizes.*-1.*>= 0'),
        (dict(window_sizes=[0, 0, 2]), 'window_sizes.*4 stages'),
        (dict(window_sizes=2), 'window_sizes.*list'),
    ],
)
def test_bad_arguments_name_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        LITv2(**{'arch': SMALL, **wrong})


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(num_heads=5), 'num_heads is 5.*divide embed_dim, 96'),
        (dict(window_size=0), 'window_size is 0.*> 0'),
        (dict(alpha=-0.1), r'alpha is -0.1.*\[0, 1\]'),
    ],
)
def test_bad_arguments_of_hilo_name_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        HiLo(**{'embed_dim': 96, 'num_heads': 3, **wrong})
