"""What is particular to SepViT: attention, the two modes, size, checkpoints."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.runner.checkpoint import load_state_dict
from torch.utils._python_dispatch import TorchDispatchMode

from sepvit_mm import SepViT
from sepvit_mm.backbones import sepvit, windows
from sepvit_mm.backbones.names import translate
from sepvit_mm.backbones.sepvit import SepViTBlock
from sepvit_mm.measure.literal import literal_copy, separable_attention
from sepvit_mm.measure.macs import count_macs

SMALL = dict(
    embed_dims=[4, 8, 16, 16],
    depths=[1, 2, 2, 1],
    num_heads=[1, 2, 2, 4],
    window_sizes=[[7], [7, 14], [7, 14], [7]],
)


def randomise(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Make every parameter matter: nothing stays at 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.3 * noise.to(parameter))
    return module


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    heads=st.sampled_from([1, 2, 3]),
    head_dim=st.sampled_from([1, 4]),
    window=st.sampled_from([1, 2, 3, 7]),
    token=st.sampled_from(['none', 'zero', 'learned']),
    seed=st.integers(0, 2**16),
)
def test_fast_attention_is_the_literal_one(
    batch, height, width, heads, head_dim, window, token, seed
):
    block = SepViTBlock(
        heads * head_dim,
        heads,
        window,
        token_grid=(2, 3) if token == 'learned' else None,
        pointwise=token != 'none',
    )
    randomise(block.double(), seed)
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, height, width, heads * head_dim)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    weights = torch.randn(shape, generator=generator, dtype=torch.float64)

    results = []
    for attend in (SepViTBlock.attend, separable_attention):
        inputs = [x.clone().requires_grad_(), *block.parameters()]
        out = attend(block, inputs[0])
        grads = torch.autograd.grad(
            (out * weights).sum(), inputs, allow_unused=True, materialize_grads=True
        )
        results.append([out, *grads])
    for fast, literal in zip(*results):
        torch.testing.assert_close(fast, literal, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('mode', ['dense', 'classification'])
@pytest.mark.parametrize('size', [(224, 224), (97, 131)])
def test_whole_model_is_the_literal_one(mode, size):
    model = randomise(SepViT(SMALL, mode=mode).double()).eval()
    images = torch.randn(2, 3, *size, dtype=torch.float64)
    for fast, literal in zip(model(images), literal_copy(model)(images)):
        torch.testing.assert_close(fast, literal, rtol=1e-9, atol=1e-9)


def test_more_windows_than_a_cuda_grid_holds_change_nothing(monkeypatch):
    qkv = torch.randn(2, 5, 9, 24)
    whole = windows.window_attention(qkv, 2)
    monkeypatch.setattr(windows, 'MAX_CUDA_BATCH', 4)
    monkeypatch.setattr(torch.Tensor, 'is_cuda', True)
    torch.testing.assert_close(windows.window_attention(qkv, 2), whole)


class LargestProduct(TorchDispatchMode):
    """Remembers the most values that a batched matrix product gave."""

    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten.bmm.default:
            self.largest = max(self.largest, result.numel())
        return result


@pytest.mark.parametrize('most', [1, 100, 1000, 2**25])
def test_inference_holds_no_more_of_the_affinity_than_allowed(most, monkeypatch):
    monkeypatch.setattr(sepvit, 'AFFINITY_IN_MEMORY', most)
    attention = randomise(sepvit.PointwiseAttention(8, 2)).double()
    tokens, pixels = torch.randn(3, 40, 8).double(), torch.randn(3, 40, 9, 8).double()
    whole = attention(tokens, pixels)  # as the backward pass needs it
    one_row = 3 * 2 * 40
    with torch.no_grad(), LargestProduct() as products:
        parts = attention(tokens, pixels)
    assert products.largest <= max(most, one_row)
    torch.testing.assert_close(parts, whole, rtol=1e-13, atol=1e-13)


def test_a_traced_model_has_no_number_of_parts(monkeypatch):
    monkeypatch.setattr(sepvit, 'AFFINITY_IN_MEMORY', 100)
    attention = randomise(sepvit.PointwiseAttention(8, 2))
    with torch.no_grad():
        traced = torch.jit.trace(
            attention, (torch.randn(1, 20, 8), torch.randn(1, 20, 9, 8))
        )
        for windows in (3, 50):
            tokens, pixels = torch.randn(2, windows, 8), torch.randn(2, windows, 9, 8)
            given = traced(tokens, pixels)
            torch.testing.assert_close(given, attention(tokens, pixels))


def test_window_tokens_keep_nothing_but_themselves_for_the_backward_pass():
    attn = SepViTBlock(8, 2, 7).attn
    given = []
    attn.pointwise.norm.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    attn(torch.randn(2, 6, 50, 8), 14, 21)
    (tokens,) = given
    assert tokens.shape == (2, 6, 8)
    assert tokens.untyped_storage().nbytes() == tokens.nbytes


def test_an_images_features_do_not_depend_on_its_batch():
    model = randomise(SepViT(SMALL)).eval()
    images = torch.randn(3, 3, 70, 90)
    alone = model(images[1:2])
    for together, single in zip(model(images), alone):
        torch.testing.assert_close(together[1:2], single, rtol=1e-4, atol=1e-5)


def test_every_pixel_reaches_every_position_of_the_pointwise_attention():
    # 7-pixel windows alone would end at their borders; PWA joins all windows.
    block = randomise(SepViTBlock(8, 2, 7).double())
    x = torch.randn(1, 21, 21, 8, dtype=torch.float64, requires_grad=True)
    block.attend(x)[0, 0, 0].sum().backward()
    assert (x.grad.abs().sum(-1) > 0).all()


# Specification: 1000 classes, learned tokens, 224 x 224; then the dense backbone.
SIZES = {
    'lite': (3_661_128, 0.568, None),
    'tiny': (31_182_856, 4.519, 33_655_392),
    'small': (46_570_504, 7.455, 50_222_688),
    'base': (82_377_064, 13.055, 89_213_056),
}


@pytest.mark.parametrize('arch', SIZES)
def test_size_is_the_papers(arch):
    params, giga_macs, dense_params = SIZES[arch]
    with torch.device('meta'):
        model = SepViT(arch, mode='classification').eval()
        images = torch.zeros(1, 3, 224, 224)
    head = 1000 * (model.out_channels[-1] + 1)
    assert sum(p.numel() for p in model.parameters()) + head == params
    macs = count_macs(model, images) + 1000 * model.out_channels[-1]
    assert round(macs / 1e9, 3) == giga_macs

    if dense_params is not None:
        with torch.device('meta'):
            dense = SepViT(arch)
        assert sum(p.numel() for p in dense.parameters()) == dense_params


AUTHORS_BLOCK = (
    'norm1',
    'norm2',
    'mlp.fc1',
    'mlp.fc2',
    'attn.DSA_qkv',
    'attn.win_tokens_norm',
    'attn.PSA_qk',
    'attn.proj',
)


def authors_state(model: SepViT) -> dict[str, torch.Tensor]:
    """A model's state under the authors' names."""
    names = ['norm.weight', 'norm.bias'] if not model.chain_norms else []
    for s, depth in enumerate(model.depths):
        layers = [f'patch_embeds.{s}.proj', f'patch_embeds.{s}.norm']
        layers += [f'pos_block.{s}.proj.0']
        layers += [f'norm_list.{s}'] if model.chain_norms else []
        for b in range(depth):
            names.append(f'blocks.{s}.{b}.win_tokens')
            layers += [f'blocks.{s}.{b}.{layer}' for layer in AUTHORS_BLOCK]
        names += [f'{layer}.{kind}' for layer in layers for kind in ('weight', 'bias')]
    state = model.state_dict()
    ours = {name: translate(name, model.name_pairs) for name in names}
    return {theirs: state[key] for theirs, key in ours.items() if key in state}


@pytest.mark.parametrize('mode', ['dense', 'classification'])
def test_authors_checkpoint_loads_strictly(mode):
    model = randomise(SepViT(SMALL, mode=mode))
    state = authors_state(model)
    assert len(state) == len(model.state_dict())
    other = SepViT(SMALL, mode=mode)
    other.load_state_dict(state, strict=True)
    for key, value in other.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


@pytest.mark.parametrize(
    'arch, missing, unexpected',
    [('tiny', 28, 6), ('small', 44, 10), ('base', 44, 10)],
)
def test_classification_weights_do_not_fill_the_dense_model(arch, missing, unexpected):
    with torch.device('meta'):
        classifier = SepViT(arch, mode='classification')
        dense = SepViT(arch)
    state = authors_state(classifier)
    state['head.weight'] = torch.zeros(1000, 8)
    result = dense.load_state_dict(state, strict=False, assign=True)
    assert len(result.missing_keys) == missing
    assert len(result.unexpected_keys) == unexpected
    assert all('window_token' in key for key in result.unexpected_keys)
    with pytest.raises(RuntimeError, match='Missing key'):
        dense.load_state_dict(state)


def test_learned_tokens_carry_over_to_dense_where_asked():
    classifier = randomise(SepViT(SMALL, mode='classification'))
    dense = SepViT(SMALL, window_token='learned')
    result = dense.load_state_dict(authors_state(classifier), strict=False)
    assert not result.unexpected_keys
    theirs = classifier.stages[0].blocks[0].window_token
    ours = dense.stages[0].blocks[0].window_token
    assert torch.equal(ours((8, 8)), theirs((8, 8)))


def test_learned_tokens_are_resized_along_their_own_axes():
    token = sepvit.WindowToken((2, 3), 1)
    rows, columns = torch.meshgrid(
        torch.arange(2.0), 10 * torch.arange(3.0), indexing='ij'
    )
    with torch.no_grad():
        token.weight.copy_((rows + columns).view(1, 6, 1, 1))
    # Pixels are cells: the centres of 4 rows fall on -0.25, 0.25, 0.75, 1.25 of 2.
    expected = torch.tensor([0, 0.25, 0.75, 1])[:, None] + 10 * torch.arange(3.0)
    torch.testing.assert_close(token((4, 3)).view(4, 3), expected)


@pytest.mark.parametrize('loader', ['torch', 'mmengine'])
def test_authors_checkpoint_loads_inside_a_larger_model(loader):
    model = randomise(SepViT(SMALL))
    state = {f'backbone.{key}': value for key, value in authors_state(model).items()}
    outer = torch.nn.ModuleDict({'backbone': SepViT(SMALL)})
    if loader == 'torch':
        outer.load_state_dict(state, strict=True)
    else:
        load_state_dict(outer, state, strict=True)
    for key, value in outer.backbone.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


def test_a_part_of_an_authors_checkpoint_is_translated_too():
    model = randomise(SepViT(SMALL))
    part = {k: v for k, v in authors_state(model).items() if k.startswith('blocks.2')}
    result = SepViT(SMALL).load_state_dict(part, strict=False)
    assert not result.unexpected_keys
    assert len(result.missing_keys) == len(model.state_dict()) - len(part)


def test_images_may_have_other_channels_than_three():
    model = SepViT(SMALL, in_channels=4).eval()
    assert model(torch.randn(1, 4, 40, 40))[-1].shape == (1, 16, 2, 2)


def test_classification_has_pointwise_attention_only_among_several_windows():
    model = SepViT('tiny', mode='classification')
    present = [
        [block.attn.pointwise is not None for block in stage.blocks]
        for stage in model.stages
    ]
    assert present == [[True], [True, True], [True, False] * 3, [False, False]]
    grids = [
        [block.window_token and block.window_token.grid for block in stage.blocks]
        for stage in model.stages
    ]
    assert grids == [[(8, 8)], [(4, 4), (2, 2)], [(2, 2), None] * 3, [None, None]]


def test_the_next_stage_receives_the_normalised_map_in_dense_mode_only():
    images = torch.randn(1, 3, 64, 64)
    for chained in (True, False):
        model = SepViT(SMALL, chain_norms=chained).eval()
        before = model(images)
        with torch.no_grad():
            model.norms[0].bias += torch.randn(SMALL['embed_dims'][0])
        after = model(images)
        assert not torch.equal(before[0], after[0])
        assert torch.equal(before[1], after[1]) is not chained


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(mode='segmentation'), "mode is 'segmentation'.*dense.*classification"),
        (dict(window_token='random'), "window_token.*'random'.*zero.*learned"),
        (dict(pointwise='never'), "pointwise.*'never'.*always.*several_windows"),
        (dict(img_size=(224, 0)), 'img_size.*0.*height and width'),
        (dict(img_size='224'), "img_size is '?224.*height and width"),
        (dict(arch={**SMALL, 'window_sizes': [7, 7, 7, 7]}), 'needs 1 integers'),
        (dict(arch={**SMALL, 'window_sizes': [[7], [7], [7, 14], [7]]}), 'needs 2'),
        (dict(arch={**SMALL, 'window_sizes': [[7], [7, 0], [7, 14], [7]]}), '> 0'),
    ],
)
def test_bad_arguments_name_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        SepViT(**{'arch': SMALL, **wrong})
