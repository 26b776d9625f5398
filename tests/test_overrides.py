"""Overrides of a config arrive as they are given, or are refused."""

import inspect
import re
from argparse import ArgumentParser
from copy import deepcopy
from pathlib import Path

import pytest
from commands import ROOT
from mmengine.runner import Runner

from sepvit_mm.cli.options import add_config
from sepvit_mm.engine import load_config
from sepvit_mm.engine.overrides import READ
from sepvit_mm.engine.typed import read_typed
from sepvit_mm.errors import InputError

MASK_RCNN = ROOT / 'configs/mask_rcnn_sepvit_t_coco.py'
TREES = ROOT / 'configs/atss_sepvit_lite_trees.py'
UPERNET = ROOT / 'configs/upernet_sepvit_lite_nuclei.py'


def typed(*pairs: str) -> dict:
    """The overrides of a command line."""
    parser = ArgumentParser()
    add_config(parser)
    return parser.parse_args(['config', '--cfg-options', *pairs]).cfg_options


# What is typed, whatever the config holds there.
LITERALS = {
    '1': 1,
    '1e-4': 1e-4,
    '-.5': -0.5,
    'None': None,
    'True': True,
    'false': False,
    '-inf': float('-inf'),
    '(96,96)': (96, 96),
    '(96,)': (96,),
    '[]': [],
    '64,128,256': [64, 128, 256],
    '64, 128': [64, 128],
    '1,': [1],
    '["traffic light","car"]': ['traffic light', 'car'],
    "['a, b', \"it's\"]": ['a, b', "it's"],
    '"a b"': 'a b',
    "{'a': [1, (2,)]}": {'a': [1, (2,)]},
}
# What is neither a literal nor a list.
TEXTS = (
    '',
    ' ',
    '/a/my data',
    '/a/x,y',
    'a[1].json',
    '[a',
    '/a/[old]',
    '[a]/b[c]',
    "it's",
    'b=c',
    '日本/ü',
    'a#b',
    '12#3',
    '007',
    '...',
    "b'x'",
    '1],[2',
    'C:\\new',
    '{type}/%s',
)
LISTS = {
    '[a,b]': ['a', 'b'],
    '[traffic light]': ['traffic light'],
    '[(a,b),(c,1)]': [('a', 'b'), ('c', 1)],
    '(a,None)': ('a', None),
    '[x, ["a,b", c]]': ['x', ['a,b', 'c']],
}
WORDS = {'bbox,segm': ['bbox', 'segm'], 'a,': ['a'], 'x,1,None': ['x', 1, None]}
PHRASES = {
    'traffic light,car': ['traffic light', 'car'],
    '/a/x, b.json': ['/a/x', 'b.json'],
    "it's,that's": ["it's", "that's"],
}


@pytest.mark.parametrize('held', [None, 'path/a', ['x'], ('x',), 3])
def test_a_literal_is_read_as_python(held):
    for text, value in LITERALS.items():
        read = read_typed(text, held)
        assert (type(read), read) == (type(value), value), text


@pytest.mark.parametrize('held', [None, 'path/a', 3])
@pytest.mark.parametrize('text', TEXTS)
def test_text_stays_as_it_is_typed(text, held):
    read = read_typed(text, held)
    assert (type(read), read) == (str, text)


def test_brackets_and_commas_make_a_list_where_the_config_has_one():
    for text, value in {**LISTS, **WORDS, **PHRASES}.items():
        assert read_typed(text, ('x',)) == read_typed(text, []) == value, text


def test_where_the_config_has_a_string_text_is_never_a_list():
    for text in (*LISTS, *WORDS, *PHRASES):
        assert read_typed(text, 'held') == text


def test_elsewhere_only_brackets_and_plain_words_make_a_list():
    for text, value in {**LISTS, **WORDS}.items():
        assert read_typed(text) == value, text
    for text in PHRASES:
        assert read_typed(text) == text


def test_what_is_typed_arrives_in_the_config():
    names = 'train_dataloader.dataset.metainfo.classes'
    cfg = load_config(
        TREES,
        overrides=typed(
            'data_root=/a/my data, x',
            f"{names}=['traffic light']",
            'val_dataloader.dataset.metainfo.classes=traffic light,car',
            'model.test_cfg.nms.type=a=b,c',
            'train_dataloader.dataset.pipeline.3.crop_size=(64,64)',
            'param_scheduler.1.type=',
            'load_from=None',
        ),
    )
    dataset = cfg.train_dataloader.dataset
    assert dataset.data_root == '/a/my data, x'
    assert cfg.val_evaluator.ann_file == '/a/my data, x/annotations/val.json'
    assert dataset.metainfo.classes == ['traffic light']
    assert cfg.val_dataloader.dataset.metainfo.classes == ['traffic light', 'car']
    assert cfg.model.test_cfg.nms.type == 'a=b,c'
    assert dataset.pipeline[3].crop_size == (64, 64)
    assert cfg.param_scheduler[1].type == ''
    assert cfg.load_from is None


@pytest.mark.parametrize('name', ['2024', '1e4', '[1,2]', 'a,b', "it's"])
def test_folders_may_have_any_name(name):
    pairs = (f'data_root={name}', f'work_dir={name}')
    cfg = load_config(TREES, overrides=typed(*pairs))
    assert cfg.work_dir == name
    assert cfg.train_dataloader.dataset.data_root == name


def test_one_entry_of_a_list_is_set():
    cfg = load_config(MASK_RCNN, overrides=typed('param_scheduler.1.milestones.0=9'))
    assert cfg.param_scheduler[1].milestones == [9, 11]
    with pytest.raises(InputError, match=r'cannot set param_scheduler\.1\.milest'):
        load_config(MASK_RCNN, overrides=typed('param_scheduler.1.milestones.7=9'))


def test_overrides_of_python_arrive_unchanged():
    given = {
        'test_evaluator.metric': 'bbox,segm',
        'test_evaluator.prefix': '1',
        'model.backbone.init_cfg': dict(type='Pretrained', checkpoint='[a, b]'),
        'custom_hooks': [dict(type='EMAHook', _delete_=True)],
        'env_cfg.mp_cfg': dict(_delete_=True, mp_start_method='spawn'),
        'visualizer': dict(_delete_=True, type='Visualizer'),
    }
    before = deepcopy(given)
    cfg = load_config(TREES, overrides=given)
    assert given == before
    assert cfg.test_evaluator.metric == 'bbox,segm'
    assert cfg.test_evaluator.prefix == '1'
    assert cfg.model.backbone.init_cfg.checkpoint == '[a, b]'
    assert cfg.env_cfg.mp_cfg == dict(mp_start_method='spawn')
    assert cfg.visualizer == dict(type='Visualizer')
    root = Path('a b')
    cfg = load_config(TREES, overrides={'data_root': root})
    assert cfg.train_dataloader.dataset.data_root == 'a b'


# A key that changes nothing, and what the message says.
WITHOUT_EFFECT = {
    'max_iters=1': ('train_cfg.max_iters, ', 'param_scheduler.1.end'),
    'test_ratio=1.0': ('test_dataloader.dataset.pipeline.1.scale_factor',),
    'train_pipeline.3.crop_size=(64,64)': (
        'train_dataloader.dataset.pipeline.3.crop_size',
    ),
    'dataset.metainfo.classes=x': ('train_dataloader.dataset.metainfo.classes',),
    'metainfo.classes=x': ('train_dataloader.dataset.metainfo.classes',),
    'custom_imports.imports=x': ('keys that are made from it',),
    'launcher=pytorch': ('--launcher',),
    'data_root.x=1': ('train_dataloader.dataset.data_root.x',),
    'data_root=': ('must be a folder',),
    'data_root=None': ('must be a folder',),
    'optim_wraper.lr=1': ('must begin with', 'optim_wrapper'),
}


@pytest.mark.parametrize('pair', WITHOUT_EFFECT)
def test_an_override_without_effect_is_refused(pair):
    with pytest.raises(InputError) as refusal:
        load_config(TREES, overrides=typed(pair))
    message = str(refusal.value)
    assert '\n' not in message and pair.split('=')[0] in message
    for part in WITHOUT_EFFECT[pair]:
        assert part in message


def test_the_keys_that_are_named_have_an_effect(tmp_path):
    (tmp_path / 'base.py').write_text(
        'size = (8, 8)\ncount = 1\nmodel = dict(a=[dict(b=size)], c=True, d=count)\n'
    )
    config = tmp_path / 'config.py'
    config.write_text("_base_ = 'base.py'\n")
    with pytest.raises(InputError, match=r'instead: model\.a\.0\.b$'):
        load_config(config, overrides={'size': (9, 9)})
    with pytest.raises(InputError, match=r'instead: model\.d$'):
        load_config(config, overrides={'count': 2})
    cfg = load_config(config, overrides={'model.a.0.b': (9, 9), 'model.d': 2})
    assert cfg.model == dict(a=[dict(b=(9, 9))], c=True, d=2)


def test_all_that_the_runner_reads_of_a_config_can_be_overridden():
    source = inspect.getsource(Runner)
    read = {*re.findall(r"\bcfg\.get\(\s*'(\w+)'", source)}
    read -= {*re.findall(r"_cfg\.get\(\s*'(\w+)'", source)}
    nested = {*re.findall(r"env_cfg\.get\(\s*'(\w+)'", source)}
    assert {'model_wrapper_cfg', 'compile', 'train_dataloader'} <= read
    assert read - nested <= READ


@pytest.mark.parametrize('config', [MASK_RCNN, TREES, UPERNET])
def test_the_names_of_pipelines_and_sizes_are_refused(config):
    cfg = load_config(config)
    refused = {*cfg} - READ - {'data_root'}
    assert {'custom_imports', 'test_pipeline', 'train_pipeline'} <= refused
    for name in refused:
        with pytest.raises(InputError, match=name):
            load_config(config, overrides={name: None})
