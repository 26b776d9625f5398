"""Checkpoints load whole, load as far as reported, or not at all."""

import argparse
import json
import logging
import pickle
import subprocess
import sys
import types
from datetime import datetime
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MMLogger
from mmengine.model import ModuleList, PretrainedInit
from mmengine.registry import MODELS
from safetensors.torch import save_file
from test_litv2 import SMALL as LITV2
from test_litv2 import authors_state
from test_sepvit import SMALL as SEPVIT
from test_sepvit import randomise

from sepvit_mm import LITv2, PaleTransformer, SepViT
from sepvit_mm.checkpoints import (
    CheckpointError,
    Coverage,
    fill,
    read_state_dict,
)

ROOT = Path(__file__).parents[1]


def classifier(family) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """A classification model of the authors', and its checkpoint with classifier."""
    if family is SepViT:
        model = SepViT(SEPVIT, mode='classification')
    else:
        model = LITv2(LITV2, mode='classification')
    randomise(model)
    channels = model.out_channels[-1]
    head = {'head.weight': torch.randn(10, channels), 'head.bias': torch.randn(10)}
    return model, {**authors_state(model), **head}


def assert_filled(model, source) -> None:
    for name, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


WRAPPINGS = {
    'bare': lambda state: state,
    'state_dict': lambda state: {'state_dict': state, 'meta': {'epoch': 3}},
    'model': lambda state: {'model': state, 'optimizer': {}, 'epoch': 3},
    'model_ema': lambda state: {'model_ema': state},
    'module.': lambda state: {f'module.{name}': v for name, v in state.items()},
    'backbone.': lambda state: {
        'state_dict': {
            **{f'backbone.{name}': v for name, v in state.items()},
            'neck.conv.weight': torch.zeros(3),
        }
    },
    'args': lambda state: {'model': state, 'args': argparse.Namespace(lr=1e-3)},
}


@pytest.mark.parametrize('wrapping', WRAPPINGS)
@pytest.mark.parametrize('family', [SepViT, LITv2])
def test_authors_checkpoints_fill_however_they_are_wrapped(family, wrapping, tmp_path):
    source, state = classifier(family)
    torch.save(WRAPPINGS[wrapping](state), tmp_path / 'file.pth')
    model = family(SEPVIT if family is SepViT else LITV2, mode='classification')
    coverage = fill(model, tmp_path / 'file.pth')
    assert_filled(model, source)
    assert coverage.filled == coverage.used == 1.0
    assert not coverage.missing and not coverage.unexpected


def test_our_own_names_and_safetensors_fill_too(tmp_path):
    source = randomise(PaleTransformer(PALE))
    state = {f'backbone.{k}': v for k, v in source.state_dict().items()}
    save_file(state, tmp_path / 'file.safetensors')
    model = PaleTransformer(PALE)
    fill(model, tmp_path / 'file.safetensors')
    assert_filled(model, source)


PALE = dict(embed_dims=[4, 8, 16, 32], depths=[1, 1, 2, 1], num_heads=[2, 2, 4, 8])


def test_what_a_trainer_stores_beside_the_weights_is_read(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    hub = dict(log_scalars={'loss': history}, runtime_info={'iter': np.float64(3)})
    state = {'weight': torch.zeros(3)}
    plain = [np.zeros(3, np.uint8), np.ones(1, bool), Path('x'), datetime(2026, 1, 1)]
    content = {'state_dict': state, 'message_hub': hub, 'plain': plain}
    torch.save(content, tmp_path / 'file.pth')
    assert list(read_state_dict(tmp_path / 'file.pth')) == ['weight']


def test_settings_of_litv2s_training_are_read_without_yacs(tmp_path, monkeypatch):
    module = types.ModuleType('yacs.config')
    module.CfgNode = type('CfgNode', (dict,), {'__module__': 'yacs.config'})
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'yacs', types.ModuleType('yacs'))
        patch.setitem(sys.modules, 'yacs.config', module)
        settings = module.CfgNode(lr=1e-3, data=module.CfgNode(size=224))
        settings.frozen = True  # yacs keeps attributes of its own
        content = {'model': {'weight': torch.zeros(3)}, 'config': settings}
        torch.save(content, tmp_path / 'file.pth')
    assert list(read_state_dict(tmp_path / 'file.pth')) == ['weight']


@pytest.mark.parametrize(
    'arch, missing, unexpected',
    [('tiny', 28, 6), ('small', 44, 10), ('base', 44, 10)],
)
def test_sepvit_classification_fills_a_dense_model_as_far_as_reported(
    arch, missing, unexpected, tmp_path
):
    state = authors_state(SepViT(arch, mode='classification'))
    torch.save({'model': state}, tmp_path / 'file.pth')
    coverage = fill(SepViT(arch), tmp_path / 'file.pth')
    assert len(coverage.missing) == missing
    assert len(coverage.unexpected) == unexpected
    assert 0.85 < coverage.filled < 0.95
    assert coverage.used > 0.99
    report = str(coverage)
    assert 'stages 2' in report and 'norms 0' in report
    assert f'{coverage.filled:.1%} of the backbone filled' in report


@pytest.mark.parametrize('file, model', [('tiny', 'small'), ('small', 'tiny')])
def test_another_architecture_is_refused_with_the_report(file, model, tmp_path):
    state = authors_state(SepViT(file, mode='classification'))
    torch.save({'model': state}, tmp_path / 'file.pth')
    target = SepViT(model)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(CheckpointError) as error:
        fill(target, tmp_path / 'file.pth')
    message = str(error.value)
    assert 'does not fit SepViT' in message and 'at least 85%' in message
    assert 'stages 2' in message and 'file.pth' in message
    for name, value in target.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_least_coverage_can_be_chosen(tmp_path):
    _, state = classifier(LITv2)
    part = {name: value for name, value in state.items() if 'layers.0' in name}
    torch.save(part, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match='does not fit LITv2'):
        fill(LITv2(LITV2), tmp_path / 'file.pth')
    coverage = fill(LITv2(LITV2), tmp_path / 'file.pth', min_coverage=0.0)
    assert coverage.used == 1.0 and 0 < coverage.filled < 0.85


def test_window_tokens_are_resized_only_where_that_is_asked(tmp_path):
    source = randomise(SepViT(SEPVIT, mode='classification', img_size=224))
    torch.save(source.state_dict(), tmp_path / 'file.pth')
    model = SepViT(SEPVIT, mode='classification', img_size=448)
    coverage = fill(model, tmp_path / 'file.pth', min_coverage=0.5)
    tokens = [name for name in source.state_dict() if 'window_token' in name]
    # beyond 224, stages 2 and 3 have several windows as well, hence tokens of their own
    assert set(coverage.mismatched) == set(tokens)
    coverage = fill(model, tmp_path / 'file.pth', min_coverage=0.5, resize_tokens=True)
    assert set(coverage.resized) == set(tokens) and not coverage.mismatched
    block = source.stages[0].blocks[0].window_token
    expected = block(model.stages[0].blocks[0].window_token.grid)
    given = model.stages[0].blocks[0].window_token.weight[0, :, 0]
    torch.testing.assert_close(given, expected)


def test_window_tokens_of_other_channels_are_refused(tmp_path):
    narrow = dict(SEPVIT, embed_dims=[dim // 2 for dim in SEPVIT['embed_dims']])
    source = SepViT(narrow, mode='classification', img_size=224)
    torch.save(source.state_dict(), tmp_path / 'file.pth')
    model = SepViT(SEPVIT, mode='classification', img_size=448)
    coverage = fill(model, tmp_path / 'file.pth', min_coverage=0.0, resize_tokens=True)
    assert 'stages.0.blocks.0.window_token.weight' in coverage.mismatched
    assert not coverage.resized


def test_window_tokens_are_resized_along_their_own_axes():
    model = SepViT(SEPVIT, mode='classification', img_size=(56, 112))
    name = 'stages.0.blocks.0.window_token.weight'
    assert model.get_parameter(name).shape == (1, 2 * 4, 1, 4)
    # Row by row 0 1, 10 11: rows stay, 4 columns fall on -0.25, 0.25, 0.75, 1.25 of 2.
    value = torch.tensor([0.0, 1.0, 10.0, 11.0]).view(1, 4, 1, 1).expand(1, 4, 1, 4)
    expected = torch.tensor([0.0, 0.25, 0.75, 1.0, 10.0, 10.25, 10.75, 11.0])
    given = model.resize(name, value)
    torch.testing.assert_close(given[0, :, 0, 0], expected)
    assert model.resize('stages.0.embed.proj.weight', value) is None


def test_a_parameter_of_another_shape_is_refused_however_few(tmp_path):
    # alpha changes the shapes of a tenth of LITv2-small, in stage 3 alone
    state = authors_state(LITv2('small', mode='classification'))
    torch.save({'model': state}, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match='no parameter may have another shape'):
        fill(LITv2('small', alpha=0.5), tmp_path / 'file.pth')


@pytest.fixture
def log_folder(tmp_path):
    """A folder with mmengine's current log in it."""
    folder = tmp_path / 'logs'
    folder.mkdir()
    # by another name each time, since mmengine keeps loggers for good
    logger = MMLogger.get_instance(str(folder), log_file=folder / 'run.log')
    yield folder
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler):
            logger.removeHandler(handler)


def test_a_refusal_leaves_its_report_too(tmp_path, log_folder):
    torch.save(authors_state(LITv2(LITV2)), tmp_path / 'file.pth')
    with pytest.raises(CheckpointError):
        fill(SepViT(SEPVIT), tmp_path / 'file.pth')
    report = json.loads((log_folder / 'pretrained_coverage.json').read_text())
    assert report['filled'] < 0.5
    assert 'of the backbone filled' in (log_folder / 'run.log').read_text()
    assert sorted(path.name for path in log_folder.iterdir()) == [
        'pretrained_coverage.json',
        'run.log',
    ]


def test_init_cfg_goes_through_the_loader_and_leaves_its_report(tmp_path, log_folder):
    source, state = classifier(LITv2)
    torch.save({'model': state}, tmp_path / 'file.pth')
    config = dict(type='LITv2', arch=LITV2, mode='classification')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'file.pth'))
    model = MODELS.build(dict(config, init_cfg=init_cfg))
    model.init_weights()
    assert_filled(model, source)
    report = json.loads((log_folder / 'pretrained_coverage.json').read_text())
    assert report['filled'] == 1.0
    assert set(report['loaded']) == set(model.state_dict())
    log = (log_folder / 'run.log').read_text()
    assert '100.0% of the backbone filled' in log
    assert f'load from {tmp_path / "file.pth"}' in log  # mmengine's, by parameter
    with pytest.raises(CheckpointError, match=r'absent\.pth'):
        bad = dict(type='Pretrained', checkpoint='absent.pth')
        MODELS.build(dict(config, init_cfg=bad)).init_weights()


def test_importing_the_package_registers_the_initialiser():
    script = (
        'import sepvit_mm\n'
        'from mmengine.registry import WEIGHT_INITIALIZERS\n'
        "print(WEIGHT_INITIALIZERS.get('Pretrained').__module__)"
    )
    command = [sys.executable, '-c', script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == 'sepvit_mm.checkpoints.fill'


INIT_CFGS = {
    'a dict': lambda file: dict(type='Pretrained', checkpoint=file),
    'the class': lambda file: dict(type=PretrainedInit, checkpoint=file),
    'with a scope': lambda file: dict(type='mmengine.Pretrained', checkpoint=file),
    'a list': lambda file: [
        dict(type='Pretrained', checkpoint=file),
        dict(type='Constant', layer=['Linear', 'LayerNorm'], val=7.0),
    ],
    'the class in a list': lambda file: [dict(type=PretrainedInit, checkpoint=file)],
    'map_location': lambda file: dict(
        type='Pretrained', checkpoint=file, map_location='cpu'
    ),
}


@pytest.mark.parametrize('form', INIT_CFGS)
def test_init_cfg_may_have_any_form_that_mmengine_knows(form, tmp_path):
    source, state = classifier(LITv2)
    torch.save({'model': state}, tmp_path / 'file.pth')
    init_cfg = INIT_CFGS[form](str(tmp_path / 'file.pth'))
    model = LITv2(LITV2, mode='classification', init_cfg=init_cfg)
    model.init_weights()
    assert_filled(model, source)  # last, wherever it stands in a list
    with torch.no_grad():
        model.norms[3].weight.fill_(0)
    model.init_weights()  # only once
    assert not model.norms[3].weight.any()


def test_init_cfg_takes_the_loaders_options_and_mmengines_override(tmp_path):
    source = randomise(SepViT(SEPVIT, mode='classification', img_size=224))
    state = {f'net.{name}': value for name, value in source.state_dict().items()}
    torch.save(state, tmp_path / 'file.pth')
    init_cfg = dict(
        type='Pretrained',
        checkpoint=str(tmp_path / 'file.pth'),
        prefix='net',
        override=dict(type='Constant', name='norms', val=7.0),
    )
    options = dict(mode='classification', img_size=448)
    with pytest.raises(CheckpointError, match='does not fit SepViT'):
        SepViT(SEPVIT, **options, init_cfg=init_cfg).init_weights()
    init_cfg.update(min_coverage=0.5, resize_tokens=True)
    model = SepViT(SEPVIT, **options, init_cfg=init_cfg)
    model.init_weights()
    name = 'stages.1.blocks.0.attn.qkv.weight'
    assert torch.equal(model.get_parameter(name), source.get_parameter(name))
    token = model.stages[0].blocks[0].window_token
    expected = source.stages[0].blocks[0].window_token(token.grid)
    torch.testing.assert_close(token.weight[0, :, 0], expected)
    assert (model.norms[3].weight == 7).all()
    with pytest.raises(TypeError, match='min_covrage'):
        wrong = dict(init_cfg, min_covrage=0.5)
        SepViT(SEPVIT, **options, init_cfg=wrong).init_weights()


@pytest.mark.parametrize('prefix', [None, 'net.'])
def test_mmengines_own_loader_fills_other_backbones_beside_ours(prefix, tmp_path):
    source, state = classifier(LITv2)
    torch.save({'model': state}, tmp_path / 'litv2.pth')
    config = dict(type='mmdet.ResNet', depth=18, base_channels=4)
    resnet = randomise(MODELS.build(config))
    names = {(prefix or '') + name: v for name, v in resnet.state_dict().items()}
    torch.save({'state_dict': names}, tmp_path / 'resnet.pth')

    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth'))
    if prefix:
        init_cfg['prefix'] = prefix
    ours = dict(type='Pretrained', checkpoint=str(tmp_path / 'litv2.pth'))
    both = ModuleList(
        [
            MODELS.build(dict(config, init_cfg=init_cfg)),
            LITv2(LITV2, mode='classification', init_cfg=ours),
        ]
    )
    both.init_weights()
    assert_filled(both[0], resnet)
    assert_filled(both[1], source)
    with pytest.raises(TypeError, match=r'min_coverage for ResNet'):
        init_cfg['min_coverage'] = 0.5
        MODELS.build(dict(config, init_cfg=init_cfg)).init_weights()


def test_a_prefix_chooses_and_a_wrong_one_is_named(tmp_path):
    source, state = classifier(LITv2)
    names = {f'student.backbone.{name}': v for name, v in state.items()}
    torch.save({**names, 'teacher.x': torch.zeros(1)}, tmp_path / 'file.pth')
    model = LITv2(LITV2, mode='classification')
    fill(model, tmp_path / 'file.pth', prefix='student.backbone')
    assert_filled(model, source)
    with pytest.raises(CheckpointError, match=r"'pupil'.*student, teacher"):
        fill(model, tmp_path / 'file.pth', prefix='pupil')


class Harmful:
    def __reduce__(self):
        return print, ('this must not be printed',)


def test_a_file_that_would_run_code_is_refused_with_the_way_out(tmp_path, capsys):
    torch.save({'state_dict': {}, 'hook': Harmful()}, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=r'could run code.*weights_only=False'):
        read_state_dict(tmp_path / 'file.pth')
    assert 'must not be printed' not in capsys.readouterr().out


@pytest.mark.parametrize(
    'content', [b'', b'PK\x03\x04', pickle.dumps(3), b'not a checkpoint at all']
)
def test_an_unreadable_file_is_named(content, tmp_path):
    (tmp_path / 'file.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match=r'file\.pth'):
        read_state_dict(tmp_path / 'file.pth')


@pytest.mark.parametrize(
    'content',
    [
        {},
        {'state_dict': {}},
        [1],
        {'epoch': 3},
        torch.ones(2),
        {'model': torch.ones(2)},
    ],
)
def test_a_file_without_parameters_is_named(content, tmp_path):
    torch.save(content, tmp_path / 'file.pth')
    with pytest.raises(CheckpointError, match=r'no parameters in .*file\.pth'):
        read_state_dict(tmp_path / 'file.pth')


def test_an_unreachable_address_tells_how_to_train_without(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise URLError('no route')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    with pytest.raises(CheckpointError) as error:
        read_state_dict('https://example.com/weights.pth')
    message = str(error.value)
    assert 'https://example.com/weights.pth' in message and 'no route' in message
    init_cfg = dict(type='Pretrained', checkpoint='https://example.com/weights.pth')
    with pytest.raises(CheckpointError, match=r'model\.backbone\.init_cfg=None'):
        LITv2(LITV2, init_cfg=init_cfg).init_weights()


def test_an_address_is_fetched_once(monkeypatch, tmp_path):
    calls = []

    def fetch(url, path):
        calls.append(url)
        torch.save({'weight': torch.ones(2)}, path)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    for _ in range(2):
        state = read_state_dict('https://example.com/weights.pth')
        assert torch.equal(state['weight'], torch.ones(2))
    assert calls == ['https://example.com/weights.pth']
    read_state_dict('https://example.com/other/weights.pth?download=true')
    assert len(calls) == 2  # another file, though of the same name


def test_a_short_report_fits_the_log():
    names = tuple(f'stages.0.blocks.0.weight{i}' for i in range(20))
    coverage = Coverage('file.pth', (), (), names, (), (), 0.0, 0.0)
    assert 'and 14 more' in str(coverage)
    table, *_ = str(coverage).partition('0.0%')
    assert max(map(len, table.splitlines())) <= 100
