"""Options of training that work with any config change what they say, and only that."""

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS

from sepvit_mm import (
    Bfloat16Hook,
    Bfloat16OptimWrapper,
    CompileBackboneHook,
    SepViT,
)
from sepvit_mm.check import random_batch
from sepvit_mm.engine import build_model, load_config, precision, vary
from sepvit_mm.engine.precision import predict_in, suited
from sepvit_mm.errors import InputError

CONFIGS = Path(__file__).parents[1] / 'configs'
CROWNS = CONFIGS / 'sepvit_lite_crowns.py'


def test_nothing_asked_changes_nothing():
    cfg = load_config(CROWNS)
    assert vary(cfg).to_dict() == cfg.to_dict()


def test_mixed_precision_scales_the_loss_where_the_type_needs_it():
    cfg = load_config(CROWNS)
    half = vary(cfg, amp='float16').optim_wrapper
    assert (half.type, half.dtype) == ('AmpOptimWrapper', 'float16')
    assert 'loss_scale' not in half  # dynamic
    brain = vary(vary(cfg, amp='float16'), amp='bfloat16').optim_wrapper
    assert brain.type == 'Bfloat16OptimWrapper'
    assert not {'dtype', 'loss_scale'} & {*brain}
    again = vary(vary(cfg, amp='bfloat16'), amp='float16').optim_wrapper
    assert again == half
    assert cfg.optim_wrapper.type == 'OptimWrapper'


AMP = dict(type='AmpOptimWrapper', loss_scale=1.0, optimizer=dict(type='AdamW'))
OURS = dict(type='Bfloat16OptimWrapper', optimizer=dict(type='AdamW'))


@pytest.mark.parametrize(
    'given, has_gpu, has_bfloat16, trained, said',
    [
        (AMP, True, False, 'AmpOptimWrapper', ''),
        (OURS, True, False, 'Bfloat16OptimWrapper', ''),
        (OURS, False, True, 'Bfloat16OptimWrapper', ''),
        (OURS, False, False, 'OptimWrapper', 'would only emulate bfloat16'),
        (AMP, False, True, 'OptimWrapper', 'no GPU: training in float32'),
        (
            dict(AMP, dtype='bfloat16'),
            False,
            True,
            'Bfloat16OptimWrapper',
            'training in bfloat16',
        ),
        (
            dict(AMP, dtype=torch.bfloat16),
            False,
            False,
            'OptimWrapper',
            'would only emulate bfloat16',
        ),
        (dict(AMP, type='OptimWrapper'), False, True, 'OptimWrapper', ''),
    ],
)
def test_a_machine_trains_in_the_precision_that_it_has(
    given, has_gpu, has_bfloat16, trained, said, monkeypatch
):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: has_gpu)
    monkeypatch.setattr(precision, 'cpu_has_bfloat16', lambda: has_bfloat16)
    before = dict(given)
    settings, words = suited(given)
    assert settings['type'] == trained and given == before
    assert words == '' if not said else said in words
    if trained != given['type']:
        assert {*settings} == {'type', 'optimizer'}


def test_bfloat16_is_for_the_losses_and_leaves_the_weights():
    linear = torch.nn.Linear(4, 4)
    wrapper = Bfloat16OptimWrapper(torch.optim.AdamW(linear.parameters()))
    with wrapper.optim_context(linear):
        outputs = linear(torch.ones(2, 4))
    assert outputs.dtype == torch.bfloat16
    wrapper.backward(outputs.float().sum())
    assert linear.weight.dtype == linear.weight.grad.dtype == torch.float32


def test_a_model_predicts_in_bfloat16_inside_a_loop_that_switches_autocast_off():
    cfg = load_config(CROWNS)
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    data = random_batch('mmpretrain', (64, 64))
    with torch.no_grad():
        exact = [sample.pred_score for sample in model.test_step(copy.deepcopy(data))]
        predict_in('bf16', model)
        seen = []
        hook = model.head.fc.register_forward_hook(lambda *a: seen.append(a[2].dtype))
        with torch.autocast('cpu', enabled=False):
            close = [sample.pred_score for sample in model.test_step(data)]
    hook.remove()
    assert seen == [torch.bfloat16]
    torch.testing.assert_close(close, exact, atol=0.02, rtol=0, check_dtype=False)


@pytest.mark.parametrize(
    'precision, words', [('fp16', 'needs a GPU'), ('int3', 'must be one of')]
)
def test_a_precision_that_the_device_lacks_is_refused(precision, words):
    model = build_model(load_config(CROWNS))
    with pytest.raises((InputError, ValueError), match=words):
        predict_in(precision, model)


@pytest.mark.parametrize('name', ['retinanet_sepvit_t_coco', 'mask_rcnn_sepvit_t_coco'])
def test_detectors_train_in_bfloat16(name):
    cfg = load_config(CONFIGS / f'{name}.py')
    cfg.model.backbone.arch = 'lite'
    channels = [32, 64, 128, 256][-len(cfg.model.neck.in_channels) :]
    cfg.model.neck.in_channels = channels
    hooks = vary(cfg, amp='bfloat16').custom_hooks
    assert [hook.type for hook in hooks] == ['Bfloat16Hook']
    torch.manual_seed(0)
    model = build_model(cfg)
    model.init_weights()
    Bfloat16Hook().before_train(SimpleNamespace(model=model))
    # On CPUs PyTorch's convolution in bfloat16 (3x3, stride 2), which makes the upper
    # levels of the pyramid, now and then gives NaN for finite maps of 3x2 and smaller.
    # The smallest that it reads of these images is 4x3.
    batch = random_batch('mmdet', (256, 192))
    data = model.data_preprocessor(batch, training=True)
    with torch.autocast('cpu', torch.bfloat16):
        loss, _ = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_checkpointing_reaches_every_stage():
    cfg = vary(load_config(CROWNS), checkpointing=True)
    assert all(stage.with_cp for stage in MODELS.build(cfg.model.backbone).stages)


@pytest.mark.parametrize(
    'name',
    [
        'mask_rcnn_sepvit_t_3x_coco',
        'upernet_sepvit_t_ade20k',
        'retinanet_litv2_s_coco',
        'litv2_s_imagenet',
        'upernet_pale_t_ade20k',
        'pale_t_imagenet',
    ],
)
def test_layer_decay_lowers_rates_towards_the_input(name):
    rate = 0.5
    cfg = load_config(CONFIGS / f'{name}.py')
    cfg.optim_wrapper.type = 'OptimWrapper'
    model = build_model(cfg, device='meta')
    names = {id(p): n for n, p in model.named_parameters()}

    def settings(cfg) -> dict[str, tuple[float, float]]:
        groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
        return {
            names[id(p)]: (group['lr'], group['weight_decay'])
            for group in groups
            for p in group['params']
        }

    before = settings(cfg)
    after = settings(vary(cfg, layer_decay=rate))
    assert {*after} == {*before} == {*names.values()}
    blocks = sum(model.backbone.depths)
    for parameter, (lr, decay) in after.items():
        depth, count = model.backbone.get_layer_depth(parameter, 'backbone.')
        assert count == blocks + 2
        # what the recipe says of this parameter besides (offsets, norms) still holds
        assert lr == pytest.approx(before[parameter][0] * rate ** (count - 1 - depth))
        assert decay == before[parameter][1]
    lrs = {parameter: lr for parameter, (lr, _) in after.items()}
    base = cfg.optim_wrapper.optimizer.lr
    first = next(n for n in lrs if n.startswith('backbone.stages.0.embed'))
    assert lrs[first] == pytest.approx(base * rate ** (blocks + 1))
    assert max(lrs.values()) == base
    assert all(lrs[n] == base for n in lrs if not n.startswith('backbone.'))


def test_layer_decay_needs_a_rate_and_a_backbone_that_tells_depths():
    cfg = dict(
        optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
        constructor='LayerDecayOptimWrapperConstructor',
    )
    model = torch.nn.Module()
    model.backbone = SepViT('lite')
    for options in ({}, dict(paramwise_cfg=dict(norm_decay_mult=0.0))):
        with pytest.raises(ValueError, match='layer_decay_rate is None'):
            build_optim_wrapper(model, {**cfg, **options})
    cfg['paramwise_cfg'] = dict(layer_decay_rate=0.9)
    with pytest.raises(ValueError, match='Linear has no backbone'):
        build_optim_wrapper(torch.nn.Linear(2, 2), cfg)


@pytest.mark.parametrize(
    'asked, message',
    [
        (dict(amp='float8'), "amp is 'float8', .*float16"),
        (dict(ema=1.5), 'ema is 1.5, but must be between 0 and 1'),
        (dict(compiler='fast'), "backend is 'fast', but must be one of .*inductor"),
        (dict(layer_decay=0.0), r'layer_decay is 0.0, but must be in \(0, 1\]'),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else '',
)
def test_values_out_of_range_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        vary(load_config(CROWNS), **asked)


def test_what_the_config_has_already_is_not_replaced():
    cfg = vary(load_config(CROWNS), ema=0.1)
    with pytest.raises(InputError, match='already has such a hook: EMAHook'):
        vary(cfg, ema=0.1)
    cfg.optim_wrapper.constructor = 'LearningRateDecayOptimWrapperConstructor'
    with pytest.raises(InputError, match=r'optim_wrapper.constructor: LearningRate'):
        vary(cfg, layer_decay=0.8)
    cfg.optim_wrapper.constructor = 'DefaultOptimWrapperConstructor'
    varied = vary(cfg, layer_decay=0.8).optim_wrapper
    assert varied.constructor == 'LayerDecayOptimWrapperConstructor'


def test_the_moving_average_takes_the_share_asked_for():
    hooks = vary(load_config(CROWNS), ema=0.1).custom_hooks
    assert [dict(hook) for hook in hooks] == [dict(type='EMAHook', momentum=0.1)]


def test_the_backbone_is_compiled_once_for_each_size():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    model = torch.nn.Module()
    model.backbone = SepViT('lite').eval()
    names = [*model.state_dict()]
    hook = CompileBackboneHook(backend=backend)
    hook.before_run(SimpleNamespace(model=model))
    for size in (64, 64, 96, 64):
        assert len(model.backbone(torch.rand(1, 3, size, size))) == 4
    assert len(graphs) == 2
    assert [*model.state_dict()] == names
    copy.deepcopy(model)  # as a moving average does


def test_compilation_needs_a_backend_and_a_backbone():
    hooks = vary(load_config(CROWNS), compiler='eager').custom_hooks
    assert [*map(dict, hooks)] == [dict(type='CompileBackboneHook', backend='eager')]
    with pytest.raises(ValueError, match="backend is 'fast', but must be one of"):
        CompileBackboneHook(backend='fast')
    runner = SimpleNamespace(model=torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match='Linear has no backbone to compile'):
        CompileBackboneHook().before_run(runner)
