"""What every backbone of this package promises to the code around it."""

import copy
import gc
import itertools
import subprocess
import sys
import weakref
from collections import Counter

import pytest
import torch
import torch.distributed as dist
from mmengine.registry import MODELS
from torch import nn
from torch.export import Dim
from torch.nn.parallel import DistributedDataParallel

from sepvit_mm import LITv2, SepViT
from sepvit_mm.backbones import FourStageBackbone, layers

SEPVIT = dict(
    type='SepViT',
    arch=dict(
        embed_dims=[8, 16, 32, 64],
        depths=[1, 2, 2, 1],
        num_heads=[1, 2, 4, 8],
        window_sizes=[[7], [7, 14], [7, 14], [7]],
    ),
)
LITV2 = dict(
    type='LITv2',
    arch=dict(
        embed_dims=[8, 16, 32, 64],
        depths=[1, 2, 2, 1],
        num_heads=[1, 2, 4, 8],
        window_sizes=[0, 0, 2, 1],
    ),
)
PALE = dict(
    type='PaleTransformer',
    arch=dict(embed_dims=[8, 16, 32, 64], depths=[1, 2, 2, 1], num_heads=[2, 2, 4, 8]),
)
BACKBONES = {
    'sepvit': SEPVIT,
    'sepvit-classification': dict(SEPVIT, mode='classification'),
    'sepvit-learned-tokens': dict(SEPVIT, window_token='learned'),
    'litv2-detection': LITV2,
    'litv2-segmentation': dict(LITV2, mode='segmentation', deform='grid_sample'),
    'litv2-classification': dict(LITV2, mode='classification'),
    'pale': PALE,
    'pale-without-norms': dict(PALE, embed_norm=False, batch_norm=False),
}


@pytest.fixture(params=BACKBONES)
def config(request):
    torch.manual_seed(0)
    return copy.deepcopy(BACKBONES[request.param])


def total(outs) -> torch.Tensor:
    """A loss that looks at every output, and not only at a norm's constant mean."""
    return sum((out * torch.randn_like(out)).sum() for out in outs)


@pytest.mark.parametrize('size', [(32, 32), (33, 47), (224, 224), (61, 190)])
def test_any_size_gives_maps_of_the_promised_strides(config, size):
    model = MODELS.build(dict(config, out_indices=(0, 1, 2, 3))).eval()
    outs = model(torch.randn(2, 3, *size))
    assert isinstance(outs, tuple)
    assert model.out_channels == (8, 16, 32, 64)
    assert model.out_strides == (4, 8, 16, 32)
    height, width = (-(-side // 4) for side in size)
    for out, channels in zip(outs, model.out_channels):
        assert out.shape == (2, channels, height, width)
        assert out.is_contiguous()
        # LITv2 drops an odd last row or column, the others pad it
        odd = 0 if isinstance(model, LITv2) else 1
        height, width = (height + odd) // 2, (width + odd) // 2


def test_an_empty_batch_gives_empty_maps(config):
    model = MODELS.build(config)
    for mode in (True, False):
        outs = model.train(mode)(torch.zeros(0, 3, 64, 96))
        assert [out.shape[0] for out in outs] == [0] * len(outs)
        total(outs).backward()
        for name, parameter in model.named_parameters():
            assert not parameter.grad.any(), name


def test_zeros_beside_an_image_change_its_own_features(config):
    # The documentation says so, and why our configs test one image at a time.
    model = MODELS.build(config).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        alone = model(images)[-1]
        padded = model(nn.functional.pad(images, (0, 64)))[-1]
    change = (padded[..., : alone.shape[-1]] - alone).abs().mean()
    assert change > 0.01 * alone.abs().mean()


def test_images_of_one_size_do_not_affect_each_other_in_a_batch(config):
    model = MODELS.build(config).eval()
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        together = model(images)
        alone = [model(image[None]) for image in images]
    for maps, *single in zip(together, *alone):
        torch.testing.assert_close(maps, torch.cat(single), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    'out_indices',
    [c for n in range(1, 5) for c in itertools.combinations(range(4), n)],
    ids=str,
)
def test_every_parameter_receives_a_gradient(config, out_indices):
    model = MODELS.build(dict(config, out_indices=out_indices))
    outs = model(torch.randn(2, 3, 64, 96))
    assert len(outs) == len(out_indices) == len(model.out_channels)
    total(outs).backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert not missing


def test_checkpointing_changes_nothing(config):
    config.update(drop_path_rate=0.3, drop_rate=0.1)
    plain = MODELS.build(config)
    saving = MODELS.build(dict(config, with_cp=True))
    saving.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 64, 64)
    results = []
    for model in (plain, saving):
        torch.manual_seed(1)
        total(model(images)).backward()
        # running statistics count a batch once, however often it is computed
        results.append([*(p.grad for p in model.parameters()), *model.buffers()])
    for expected, given in zip(*results):
        torch.testing.assert_close(given, expected)


def test_checkpointing_allows_several_backward_passes(config):
    model = MODELS.build(dict(config, with_cp=True))
    outs = model(torch.randn(2, 3, 64, 64))
    buffers = copy.deepcopy(dict(model.named_buffers()))
    total(outs).backward(retain_graph=True)
    total(outs).backward()
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, buffers[name]), name


def test_checkpointing_recomputes_every_block_in_the_backward_pass(config):
    model = MODELS.build(dict(config, with_cp=True))
    calls = []
    blocks = [block for stage in model.stages for block in stage.blocks]
    for block in blocks:
        block.register_forward_pre_hook(lambda *_: calls.append(1))
    outs = model(torch.randn(1, 3, 64, 64))
    assert len(calls) == len(blocks)
    total(outs).backward()
    assert len(calls) == 2 * len(blocks)


@pytest.mark.parametrize('frozen_stages', [-1, 0, 1, 3, 4])
def test_frozen_stages_neither_learn_nor_drop(config, frozen_stages):
    config.update(drop_path_rate=0.5, out_indices=(0, 1, 2, 3))
    model = MODELS.build(dict(config, frozen_stages=frozen_stages))
    modes = [module.training for module in model.modules()]
    assert model.eval().train() is model
    # what is frozen is so from the constructor on
    assert [module.training for module in model.modules()] == modes
    for index, stage in enumerate(model.stages):
        frozen = index < frozen_stages
        modules = [stage, model.norms[index]]
        assert all(
            m.training is not frozen
            for part in modules
            for m in part.modules()
            if not (index == 0 == frozen_stages)
        )
        assert all(
            p.requires_grad is not frozen for p in model.norms[index].parameters()
        )
        for name, parameter in stage.named_parameters():
            is_stem = index == 0 and name.startswith('embed')
            stem_frozen = is_stem and frozen_stages >= 0
            assert parameter.requires_grad is not (frozen or stem_frozen)
    if frozen_stages == 0:
        assert not model.stages[0].embed.training
        assert model.stages[0].blocks.training


def test_gradients_are_switched_off_once_and_may_be_switched_on_again(config):
    model = MODELS.build(dict(config, frozen_stages=1)).requires_grad_(True)
    assert all(p.requires_grad for p in model.train().parameters())


@pytest.mark.parametrize('norm_eval', [True, False])
def test_norm_eval_holds_batch_norms_while_training(config, norm_eval):
    model = MODELS.build(dict(config, norm_eval=norm_eval))
    for _ in range(2):  # from the constructor on, and after train()
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        assert all(norm.training is not norm_eval for norm in norms)
        assert model.stages[0].training
        model.stages[0].embed.extra = nn.BatchNorm2d(4)
        model.train()


def test_train_and_eval_return_the_model(config):
    model = MODELS.build(dict(config, drop_path_rate=0.9))
    images = torch.randn(4, 3, 32, 32)
    assert model.eval() is model
    assert all(torch.equal(a, b) for a, b in zip(model(images), model(images)))
    assert model.train() is model
    assert not torch.equal(model(images)[-1], model(images)[-1])


def test_drop_path_rises_linearly_over_the_blocks(config):
    model = MODELS.build(dict(config, drop_path_rate=0.5))
    rates = [b.drop_path.drop_prob for stage in model.stages for b in stage.blocks]
    assert rates == pytest.approx([0.1 * i for i in range(6)])


class Zero(nn.Module):
    """A drop path that drops everything."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


def test_what_drop_path_drops_leaves_the_shortcuts(config):
    for stage in MODELS.build(config).eval().stages:
        for block in stage.blocks:
            block.drop_path = Zero()
            dim = block.norm2.normalized_shape[0]
            x = torch.randn(2, 14, 14, dim)
            # a position encoding is not part of a branch
            encode = getattr(block, 'pos_encoding', nn.Identity())
            torch.testing.assert_close(block(x), encode(x))


def test_dropout_is_in_embeddings_attention_and_both_layers_of_mlps(config):
    model = MODELS.build(dict(config, drop_rate=0.5)).train()
    calls = Counter()
    for name, module in model.named_modules():
        if isinstance(module, nn.Dropout):
            assert module.p == 0.5
            module.register_forward_hook(lambda *_, name=name: calls.update([name]))
    model(torch.randn(2, 3, 64, 64))
    kinds = {'embed': 4, 'mlp': 2 * 6}
    if config['type'] == 'SepViT':
        kinds['attn'] = 6
    given = Counter()
    for name, count in calls.items():
        given[next(kind for kind in kinds if kind in name)] += count
    assert given == kinds


def test_norms_exist_only_where_they_are_read():
    def normed(config, **kwargs):
        model = MODELS.build(dict(config, **kwargs))
        return [isinstance(norm, nn.LayerNorm) for norm in model.norms]

    chained = dict(SEPVIT, out_indices=(1, 3))
    assert normed(chained) == [True] * 4  # handed on, normalised
    assert normed(chained, out_indices=(1,)) == [True] * 2
    assert normed(chained, chain_norms=False) == [False, True, False, True]
    assert normed(LITV2) == [False, True, True, True]
    assert normed(LITV2, out_indices=(0, 2)) == [False, False, True]
    assert normed(LITV2, mode='segmentation') == [True] * 4
    assert normed(LITV2, mode='classification') == [False, False, False, True]
    assert normed(PALE, out_indices=(0, 2)) == [True, False, True]


def test_state_dict_round_trip(config, tmp_path):
    model = MODELS.build(config)
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    other = MODELS.build(config)
    other.load_state_dict(torch.load(tmp_path / 'model.pth'), strict=True)
    images = torch.randn(1, 3, 48, 48)
    for a, b in zip(model.eval()(images), other.eval()(images)):
        assert torch.equal(a, b)


def test_pretrained_init_cfg_fills_the_backbone(config, tmp_path):
    model = MODELS.build(config)
    path = str(tmp_path / 'model.pth')
    torch.save({'state_dict': model.state_dict()}, path)
    other = MODELS.build(
        dict(config, init_cfg=dict(type='Pretrained', checkpoint=path))
    )
    other.init_weights()
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_weights_are_initialised_as_in_the_papers():
    model = SepViT('tiny')
    fc1 = model.stages[2].blocks[0].mlp.fc1
    assert fc1.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert fc1.bias.abs().max() == 0
    # Normal with std sqrt(2 / fan_out): 3x3 per group for a depthwise convolution.
    depthwise = model.stages[3].blocks[0].pos_encoding.conv
    assert depthwise.weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.05)
    stem = model.stages[0].embed.proj
    assert stem.weight.std().item() == pytest.approx((2 / 49 / 96) ** 0.5, rel=0.05)


def test_layer_depth_rises_from_stem_to_head(config):
    model = MODELS.build(dict(config, out_indices=(0, 1, 2, 3)))
    blocks = sum(len(stage.blocks) for stage in model.stages)
    depths = {
        name: model.get_layer_depth(f'backbone.{name}', 'backbone.')
        for name, _ in model.named_parameters()
    }
    assert {num_layers for _, num_layers in depths.values()} == {blocks + 2}
    assert {layer for layer, _ in depths.values()} == set(range(blocks + 2))
    beginnings = ['stages.0.embed.', 'stages.0.blocks.0.', 'stages.2.embed.']
    beginnings += ['stages.2.blocks.1.', 'norms.3.']
    layers_of = {
        beginning: {d for name, (d, _) in depths.items() if name.startswith(beginning)}
        for beginning in beginnings
    }
    assert layers_of == {
        'stages.0.embed.': {0},
        'stages.0.blocks.0.': {1},
        'stages.2.embed.': {4},
        'stages.2.blocks.1.': {5},
        'norms.3.': {blocks + 1},
    }
    assert model.get_layer_depth('head.weight', 'backbone.')[0] == blocks + 1


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(arch='huge'), "'huge'.*base.*small"),
        (dict(arch=dict(embed_dims=[8] * 4)), 'keys.*depths.*num_heads'),
        (dict(arch=None), 'arch is None.*base.*dict of'),
        (dict(out_indices=()), 'out_indices'),
        (dict(out_indices=3), 'out_indices is 3'),
        (dict(out_indices=(0, 4)), r'out_indices is \(0, 4\).*\(0, 1, 2, 3\)'),
        (dict(out_indices=(2, 1)), 'out_indices.*ascending'),
        (dict(frozen_stages=5), 'frozen_stages is 5.*-1.*4'),
        (dict(frozen_stages=1.0), 'frozen_stages is 1.0.*integer'),
        (dict(drop_path_rate=1.0), r'drop_path_rate is 1.0.*\[0, 1\)'),
    ],
)
def test_bad_arguments_name_what_is_allowed(config, wrong, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(config, **wrong))


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(depths=[1, 2]), 'depths.*4 stages'),
        (dict(depths=[1, 2, 0, 1]), 'integers > 0'),
        (dict(depths=2), 'depths.*list'),
        (dict(num_heads=[3] * 4), '3 heads.*8 channels'),
    ],
)
def test_bad_architectures_name_what_is_allowed(config, wrong, message):
    config['arch'].update(wrong)
    with pytest.raises(ValueError, match=message):
        MODELS.build(config)


def test_unknown_arguments_are_refused(config):
    with pytest.raises(TypeError, match='use_abs_pos'):
        MODELS.build(dict(config, use_abs_pos=True))


@pytest.mark.parametrize('scope', ['mmdet', 'mmseg', 'mmpretrain'])
def test_backbones_are_found_from_every_library(config, scope):
    library = __import__(f'{scope}.registry').registry
    assert isinstance(library.MODELS.build(config), FourStageBackbone)


def test_inference_in_parts_changes_nothing(config, monkeypatch):
    model = MODELS.build(config).eval()
    images = torch.randn(2, 3, 50, 70)
    whole = model(images)  # with a graph: all at once
    monkeypatch.setattr(layers, 'CACHED_TOKENS', 7)
    with torch.no_grad():
        parts = model(images)
    for a, b in zip(whole, parts):
        torch.testing.assert_close(a, b)


def test_mixed_precision_trains_and_stays_close(config):
    model = MODELS.build(config)
    images = torch.randn(1, 3, 61, 90)
    exact = model(images)
    with torch.autocast('cpu', torch.bfloat16):
        outs = model(images)
        total(outs).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    for mixed, single in zip(outs, exact):
        assert (mixed - single).abs().max() < 0.05 * single.abs().max()


def test_distributed_training_needs_no_search_for_unused_parameters(config, tmp_path):
    store = (tmp_path / 'store').as_uri()
    dist.init_process_group('gloo', init_method=store, rank=0, world_size=1)
    try:
        model = DistributedDataParallel(MODELS.build(dict(config, out_indices=(1,))))
        for _ in range(2):  # the second pass fails if the first left any out
            total(model(torch.randn(1, 3, 64, 64))).backward()
    finally:
        dist.destroy_process_group()


def test_import_needs_no_compiled_ops_and_no_task_library():
    script = (
        'import sys\n'
        "blocked = ['mmcv._ext', 'mmcv.ops', 'mmdet', 'mmseg', 'mmpretrain']\n"
        'sys.modules.update(dict.fromkeys(blocked))\n'
        'import torch, sepvit_mm\n'
        'for name in ("SepViT", "LITv2", "PaleTransformer"):\n'
        '    backbone = getattr(sepvit_mm, name)("small").eval()\n'
        '    print(len(backbone(torch.zeros(1, 3, 32, 32))))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ['4'] * 3


@pytest.mark.parametrize('grad', [True, False], ids=['grad', 'no_grad'])
def test_what_is_traced_at_one_size_runs_at_every_other(config, tmp_path, grad):
    model = MODELS.build(dict(config, out_indices=(0, 1, 2, 3))).eval()
    with torch.set_grad_enabled(grad):
        traced = torch.jit.trace(model, torch.randn(1, 3, 224, 320))
        traced.save(tmp_path / 'traced.pt')
        traced = torch.jit.load(tmp_path / 'traced.pt')
        for batch, *size in ((2, 353, 417), (3, 64, 96), (1, 448, 32)):
            images = torch.randn(batch, 3, *size)
            for a, b in zip(traced(images), model(images)):
                assert torch.equal(a, b)


def test_tracing_works_in_a_fresh_process():
    # where nothing has imported torchvision's operators yet
    script = (
        'import torch, sepvit_mm\n'
        'model = sepvit_mm.LITv2("small", out_indices=(1,)).eval()\n'
        'torch.jit.trace(model, torch.zeros(1, 3, 64, 64))\n'
    )
    subprocess.run([sys.executable, '-W', 'ignore', '-c', script], check=True)


def test_a_deleted_model_is_gone(config):
    model = MODELS.build(config)
    known = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert known() is None
    finally:
        gc.enable()


# PyTorch gives a dimension of size 1 a graph of its own. So one graph for all sizes
# needs at least two windows, or pales, each way in every stage.
EXPORTED_FROM = {'SepViT': 225, 'PaleTransformer': 225, 'LITv2': 64}


def test_a_model_exports_as_one_graph_for_all_sizes(config):
    model = MODELS.build(dict(config, out_indices=(0, 1, 2, 3))).eval()
    least = EXPORTED_FROM[config['type']]
    exported = torch.export.export(
        model,
        (torch.randn(2, 3, 353, 417),),
        dynamic_shapes={
            'x': {
                0: Dim('batch', max=64),
                2: Dim('height', min=least, max=4096),
                3: Dim('width', min=least, max=4096),
            }
        },
        # guards that PyTorch cannot prove for all sizes become checks at run time
        prefer_deferred_runtime_asserts_over_guards=True,
    ).module()
    for batch, *size in ((1, least, 250), (3, 300, 512), (2, 448, 448)):
        images = torch.randn(batch, 3, *size)
        for a, b in zip(exported(images), model(images)):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    'name, with_cp',
    [
        ('sepvit', False),
        ('litv2-detection', False),
        ('pale', False),
        ('sepvit', True),
        ('pale', True),
    ],
)
def test_a_model_compiles_as_one_graph_and_trains_the_same(name, with_cp):
    torch._dynamo.reset()
    model = MODELS.build(dict(BACKBONES[name], with_cp=with_cp)).train()
    twin = copy.deepcopy(model)
    twin.compile(backend='aot_eager', fullgraph=True, dynamic=False)
    images = torch.randn(2, 3, 61, 50)
    results = []
    for each in (model, twin):
        outs = each(images)
        torch.manual_seed(0)
        total(outs).backward()
        grads = [parameter.grad for parameter in each.parameters()]
        results.append([*outs, *grads, *each.buffers()])
    for expected, given in zip(*results):
        torch.testing.assert_close(given, expected, rtol=1e-3, atol=1e-3)
