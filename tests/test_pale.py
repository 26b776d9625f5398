"""What is particular to Pale Transformer: which positions see which, and its size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_litv2 import assert_same
from test_sepvit import randomise

from sepvit_mm import PaleAttention, PaleTransformer
from sepvit_mm.measure.literal import literal_copy, pale_attention
from sepvit_mm.measure.macs import count_macs

SMALL = dict(embed_dims=[4, 8, 16, 32], depths=[1, 1, 2, 1], num_heads=[2, 2, 4, 8])


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 2),
    height=st.integers(1, 10),
    width=st.integers(1, 10),
    heads=st.sampled_from([2, 4]),
    head_dim=st.sampled_from([1, 3]),
    pale_size=st.sampled_from([1, 2, 3, 7]),
    batch_norm=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_attention_is_that_over_each_positions_pale(
    batch, height, width, heads, head_dim, pale_size, batch_norm, seed
):
    attn = PaleAttention(heads * head_dim, heads, pale_size, batch_norm=batch_norm)
    randomise(attn.double(), seed).eval()
    shape = (batch, height, width, heads * head_dim)
    assert_same(attn, PaleAttention.forward, pale_attention, shape, seed)


@pytest.mark.parametrize('position', [(0, 0), (5, 8), (11, 2)])
def test_information_flows_within_the_pale_alone(position):
    # 12 x 9 positions, pale size 3: 4 groups of 3 rows, 3 groups of 3 columns.
    attn = randomise(PaleAttention(8, 2, 3, batch_norm=False).double())
    for projection in (attn.q, attn.k, attn.v):
        # A 3x3 convolution reaches the neighbours; its centre alone does not.
        centre = projection.depthwise.weight[..., 1:2, 1:2].detach().clone()
        with torch.no_grad():
            projection.depthwise.weight.zero_()
            projection.depthwise.weight[..., 1:2, 1:2] = centre
    x = torch.randn(1, 12, 9, 8, dtype=torch.float64, requires_grad=True)
    row, column = position
    attn(x)[0, row, column].sum().backward()
    reached = x.grad[0].abs().sum(-1) > 0
    rows, columns = torch.arange(12), torch.arange(9)
    expected = (rows % 4 == row % 4)[:, None] | (columns % 3 == column % 3)[None]
    assert torch.equal(reached, expected)


def test_whole_model_is_the_literal_one():
    model = randomise(PaleTransformer(SMALL).double()).eval()
    images = torch.randn(1, 3, 45, 70, dtype=torch.float64)
    for fast, literal in zip(model(images), literal_copy(model)(images)):
        torch.testing.assert_close(fast, literal, rtol=1e-7, atol=1e-7)


# Specification: millions of parameters with 1000 classes, giga MACs at 224 x 224.
SIZES = {'tiny': (21.77, 4.20), 'small': (48.33, 8.98), 'base': (85.36, 15.53)}


@pytest.mark.parametrize('arch', SIZES)
def test_size_is_the_papers(arch):
    millions, giga_macs = SIZES[arch]
    with torch.device('meta'):
        model = PaleTransformer(arch, out_indices=(3,)).eval()
        images = torch.zeros(1, 3, 224, 224)
    channels = model.out_channels[-1]
    params = sum(p.numel() for p in model.parameters()) + 1000 * (channels + 1)
    assert params / 1e6 == pytest.approx(millions, rel=1e-3)
    macs = count_macs(model, images) + 1000 * channels
    assert round(macs / 1e9, 2) == giga_macs


def test_what_is_ours_to_choose_can_be_chosen():
    def kinds(**kwargs):
        model = PaleTransformer(SMALL, **kwargs)
        embeds = {type(stage.embed.norm).__name__ for stage in model.stages}
        norms = {type(b.attn.q.norm).__name__ for b in model.stages[2].blocks}
        return embeds, norms

    assert kinds() == ({'LayerNorm'}, {'BatchNorm2d'})
    other = kinds(embed_norm=False, batch_norm=False)
    assert other == ({'Identity'}, {'NoneType'})


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(num_heads=3), 'num_heads is 3.*even'),
        (dict(num_heads=10), 'num_heads is 10.*divide embed_dim, 12'),
        (dict(pale_size=0), 'pale_size is 0.*> 0'),
        (dict(pale_size=2.5), 'pale_size is 2.5.*integer'),
    ],
)
def test_bad_arguments_name_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        PaleAttention(**{'embed_dim': 12, 'num_heads': 2, **wrong})
