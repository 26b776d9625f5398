"""`sepvit-mm check` finds each mistake in a config that has it, and only that."""

import os
import re
import subprocess
import sys
from pathlib import Path

import mmdet
import mmpretrain
import mmseg
import pytest
import synthetic
from mmengine.config import Config
from mmengine.model import PretrainedInit
from mmengine.optim import AmpOptimWrapper
from torch import nn

from sepvit_mm import SepViT
from sepvit_mm.check import check
from sepvit_mm.check.weights import missing_files
from sepvit_mm.cli.main import main
from sepvit_mm.datasets import crowns
from sepvit_mm.engine import load_config
from sepvit_mm.engine.config import require_data
from sepvit_mm.engine.images import image_channels
from sepvit_mm.errors import InputError

CONFIGS = Path(__file__).parents[1] / 'configs'
TREES = 'atss_sepvit_lite_trees'
NUCLEI = 'upernet_sepvit_lite_nuclei'
CROWNS = 'sepvit_lite_crowns'


def broken(tmp_path: Path, base: str, text: str) -> Path:
    path = tmp_path / 'broken.py'
    path.write_text(f"_base_ = '{CONFIGS / base}.py'\n{text}\n")
    return path


# Name of the mistake: config, what is wrong in it, which check finds it, the message.
MISTAKES = {
    'optimizer of the 2.x era': (
        TREES,
        "optimizer = dict(type='SGD', lr=0.02)",
        'ignored keys',
        "optimizer is a key of the 2.x era and ignored; .*'AdamW', 'lr': 0.0007",
    ),
    'schedule of the 2.x era': (
        CROWNS,
        "lr_config = dict(policy='step', step=[8, 11])",
        'ignored keys',
        'lr_config .* set param_scheduler',
    ),
    'runner of the 2.x era': (
        NUCLEI,
        "runner = dict(type='EpochBasedRunner', max_epochs=12)",
        'ignored keys',
        'runner .* set train_cfg',
    ),
    'mixed precision of the 2.x era': (
        CROWNS,
        'fp16 = dict(loss_scale=512.)',
        'ignored keys',
        'fp16 .*AmpOptimWrapper',
    ),
    'neck': (
        TREES,
        'model = dict(neck=dict(in_channels=[192, 384, 768]))',
        'channels',
        r'model.neck.in_channels is \[192, 384, 768\], but the backbone gives '
        r'\[64, 128, 256\]',
    ),
    'head without a neck': (
        NUCLEI,
        'model = dict(auxiliary_head=dict(in_channels=384))',
        'channels',
        r'auxiliary_head.in_channels is 384 at 2, .* \[32, 64, 128, 256\]',
    ),
    'head after pooling': (
        CROWNS,
        'model = dict(head=dict(in_channels=768))',
        'channels',
        r'model.head.in_channels is 768, but the backbone gives \[256\]',
    ),
    'start level': (
        'retinanet_pale_t_coco',
        """
arch = dict(
    _delete_=True,
    embed_dims=[8, 16, 32, 64],
    depths=[1, 1, 1, 1],
    num_heads=[2, 2, 4, 8],
)
model = dict(
    backbone=dict(arch=arch, out_indices=(0, 1, 2, 3)),
    neck=dict(in_channels=[8, 16, 32, 64], start_level=1),
)""",
        'no gradient',
        '2 parameters .* get none: backbone.norms.0.weight, backbone.norms.0.bias. '
        'neck.start_level is 1: let the backbone return only what the neck reads',
    ),
    'classes of a detector': (
        TREES,
        'model = dict(bbox_head=dict(num_classes=80))',
        'classes',
        'model.bbox_head.num_classes is 80, but 1 are in train_dataloader, ',
    ),
    'classes of the data': (
        NUCLEI,
        "test_dataloader = dict(dataset=dict(metainfo=dict(classes=('a', 'b', 'c'), "
        'palette=[(1, 1, 1), (2, 2, 2), (3, 3, 3)])))',
        'classes',
        'decode_head.num_classes is 2, but 3 are in test_dataloader',
    ),
    'classes of COCO': (
        'retinanet_sepvit_t_coco',
        "model = dict(backbone=dict(arch='lite'), bbox_head=dict(num_classes=7), "
        'neck=dict(in_channels=[64, 128, 256]))',
        'classes',
        'model.bbox_head.num_classes is 7, but 80 are in train_dataloader',
    ),
    'classes of ADE20K': (
        'fpn_sepvit_t_ade20k',
        "model = dict(backbone=dict(arch='lite'), decode_head=dict(num_classes=19), "
        'neck=dict(in_channels=[32, 64, 128, 256]))',
        'classes',
        'model.decode_head.num_classes is 19, but 150 are in train_dataloader',
    ),
    'anchors': (
        'retinanet_sepvit_t_coco',
        "model = dict(backbone=dict(arch='lite'), "
        'neck=dict(in_channels=[64, 128, 256], num_outs=4))',
        'training step',
        'the training step failed: AssertionError.* That was on noise: try --on-data',
    ),
    'SyncBN alone': (
        NUCLEI,
        "model = dict(decode_head=dict(norm_cfg=dict(type='SyncBN')))",
        'SyncBN',
        'becomes BN over 4 images',
    ),
    'batch': (
        CROWNS,
        'train_dataloader = dict(batch_size=24)',
        'batch size',
        '1 GPUs with 24 images each, make 24 a step, .* 0.001 is for 32: .* 0.00075',
    ),
    'missing checkpoint to start from': (
        CROWNS,
        "load_from = 'x'",
        'pretrained file',
        "load_from is 'x', and there is no such file",
    ),
    'missing weights as mmseg names them': (
        NUCLEI,
        "model = dict(pretrained='x')",
        'pretrained file',
        "model.pretrained is 'x', and there is no such file",
    ),
    'missing weights': (
        TREES,
        "model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='x')))",
        'pretrained file',
        "model.backbone.init_cfg.checkpoint is 'x', and there is no such file",
    ),
}


def found(path: Path, **options) -> dict[str, str]:
    report = check(load_config(path), **options)
    assert report.unusable is None
    messages = {}
    for finding in report.findings:
        messages.setdefault(finding.check, []).append(finding.message)
    return {name: '; '.join(several) for name, several in messages.items()}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_mistake_is_found_and_explained(mistake, tmp_path):
    base, text, name, message = MISTAKES[mistake]
    findings = found(broken(tmp_path, base, text))
    assert {*findings} == {name}
    assert re.search(message, findings[name]), findings[name]


@pytest.mark.parametrize('name', [TREES, NUCLEI, CROWNS])
def test_good_configs_pass(name):
    report = check(load_config(CONFIGS / f'{name}.py'))
    assert report.unusable is None
    assert report.findings == []
    assert report.loss > 0


def test_old_names_of_values_that_are_used_are_no_mistake(tmp_path):
    # mmseg's own configs are written like this
    text = """
optimizer = dict(type='SGD', lr=0.01)
optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=optimizer)
"""
    path = broken(tmp_path, CROWNS, text)
    assert found(path) == {}
    # nor where the next config replaces the wrapper and leaves the old name behind
    child = tmp_path / 'child.py'
    child.write_text(
        f"_base_ = '{path}'\n"
        "optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-3))\n"
    )
    assert found(child) == {}
    child.write_text(f"_base_ = '{path}'\noptimizer = dict(type='AdamW', lr=1e-3)\n")
    assert {*found(child)} == {'ignored keys'}
    # nor in what mmengine writes beside a training
    load_config(path).dump(tmp_path / 'dumped.py')
    assert found(tmp_path / 'dumped.py') == {}
    text = """
total_epochs = 15  # optimizer, data
data = dict(batch_size=32)
train_cfg = dict(max_epochs=int(total_epochs))
train_dataloader = dict(**data)
"""
    assert found(broken(tmp_path, CROWNS, text)) == {}
    text = """
data = dict(batch_size=32)
train_dataloader = dict(dataset=dict(data_root='data/crowns'))  # no data
"""
    assert {*found(broken(tmp_path, CROWNS, text))} == {'ignored keys'}


@pytest.mark.parametrize(
    'channels, mean', [(1, [128]), (3, [128]), (4, None), (4, [1, 2, 3, 4])]
)
def test_images_of_any_number_of_channels_are_checked(channels, mean, tmp_path):
    text = f"""
model = dict(
    backbone=dict(in_channels={channels}),
    data_preprocessor=dict(
        _delete_=True,
        type='ClsDataPreprocessor',
        num_classes=2,
        mean={mean},
        std={mean},
    ),
)
"""
    path = broken(tmp_path, CROWNS, text)
    assert found(path) == {}
    assert main(['flops', str(path)]) == 0


def test_the_first_convolution_tells_the_channels_unless_it_sees_no_image():
    cfg = Config(dict(model=dict(backbone=dict(type='X'))))
    model = nn.Module()
    model.backbone = nn.Sequential(nn.Conv2d(5, 8, 3))
    assert image_channels(cfg, model) == 5
    # the pixels of RGB images in groups of four, as YOLOX's backbone has them
    model.backbone = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 8, 3))
    assert image_channels(cfg, model) == 3
    assert model.backbone.training


def test_sync_bn_of_the_whole_model_needs_several_gpus():
    cfg = load_config(CONFIGS / f'{CROWNS}.py', overrides={'sync_bn': 'torch'})
    assert {*dict(check(cfg).findings)} == {'SyncBN'}


def test_data_that_is_fetched_need_not_be_there():
    cfg = load_config(MMPRETRAIN / 'resnet/resnet18_8xb16_cifar10.py')
    require_data(cfg, 'train_dataloader')
    cfg.train_dataloader.dataset.type = 'CustomDataset'
    with pytest.raises(InputError, match='cifar10'):
        require_data(cfg, 'train_dataloader')


def test_number_of_gpus_decides_on_batches_and_sync_bn():
    cfg = load_config(CONFIGS / 'upernet_sepvit_t_ade20k.py')
    cfg.model.backbone.arch = 'lite'
    cfg.model.decode_head.in_channels = [32, 64, 128, 256]
    cfg.model.auxiliary_head.in_channels = 128
    assert check(cfg).findings == []
    alone = dict(check(cfg, gpus=1).findings)
    assert {*alone} == {'SyncBN', 'batch size'}
    assert '1 GPUs with 2 images each' in alone['batch size']
    cfg.optim_wrapper.accumulative_counts = 8
    assert {*dict(check(cfg).findings)} == {'SyncBN'}  # now meant for one GPU
    assert {*dict(check(cfg, gpus=1).findings)} == {'SyncBN'}
    assert {*dict(check(cfg, gpus=8).findings)} == {'batch size'}
    assert 'set the rate to' in dict(check(cfg, gpus=8).findings)['batch size']
    cfg.auto_scale_lr.enable = True  # which does not know of accumulation
    accumulating = dict(check(cfg, gpus=8).findings)['batch size']
    assert 'for 16 images a step, but with accumulative_counts there are 128' in (
        accumulating
    )
    assert 'set base_batch_size to 2' in accumulating
    cfg.optim_wrapper.accumulative_counts = 1
    assert check(cfg, gpus=8).findings == []
    assert check(cfg, gpus=4).findings == []


def test_what_another_config_will_make_is_not_missed():
    cfg = load_config(CONFIGS / 'litv2_b_384_imagenet.py')
    assert not Path(cfg.load_from).is_file()
    assert [*missing_files(cfg)] == []
    cfg.load_from = 'work_dirs/no_such_config/epoch_300.pth'
    assert len([*missing_files(cfg)]) == 1


def test_types_may_be_classes():
    cfg = load_config(CONFIGS / f'{CROWNS}.py')
    cfg.optim_wrapper.type = AmpOptimWrapper
    cfg.model.backbone.init_cfg = dict(type=PretrainedInit, checkpoint='x')
    cfg.model.backbone.type = SepViT
    report = check(cfg)
    assert report.unusable is None
    assert [finding.check for finding in report.findings] == ['pretrained file']


def test_settings_of_workers_are_no_obstacle_on_data(tmp_path):
    scenes = {'train': ('meadow',), 'val': ('wood',)}
    crowns.write(synthetic.tree_files(), tmp_path, scenes=scenes, size=32)
    cfg = load_config(CONFIGS / f'{CROWNS}.py', overrides={'data_root': tmp_path})
    cfg.train_dataloader.update(batch_size=2, prefetch_factor=4, timeout=9)
    cfg.auto_scale_lr.base_batch_size = 2
    report = check(cfg, on_data=True)
    assert (report.findings, report.unusable) == ([], None)


def test_mixed_precision_is_checked_in_float32():
    cfg = load_config(CONFIGS / f'{CROWNS}.py')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.dtype = 'bfloat16'
    report = check(cfg)
    assert (report.findings, report.unusable) == ([], None)
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'


@pytest.mark.parametrize(
    'text, reason',
    [
        ("model = dict(neck=dict(type='NoNeck'))", 'NoNeck'),
        ("model = dict(backbone=dict(arch='huge'))", "arch is 'huge', but must be"),
        ("train_dataloader = dict(dataset=dict(pipeline=[dict(type='Collect')]))",
         'Collect'),
        ("optim_wrapper = dict(optimizer=dict(grad_clip=1))", 'grad_clip'),
    ],
    ids=['registry', 'argument', 'transform', 'optimizer'],
)  # fmt: skip
def test_unusable_configs_say_why(text, reason, tmp_path):
    report = check(load_config(broken(tmp_path, CROWNS, text)))
    assert reason in report.unusable


def test_command_prints_a_table_and_tells_by_its_exit_code(tmp_path):
    def run(*args) -> tuple[int, str, str]:
        done = subprocess.run(
            [Path(sys.executable).with_name('sepvit-mm'), 'check', *map(str, args)],
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'COLUMNS': '200'},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    good = CONFIGS / f'{CROWNS}.py'
    code, output, errors = run(good)
    assert (code, errors) == (0, '')
    assert 'none' in output
    code, output, errors = run(good, '--gpus', '2')
    assert (code, errors) == (1, '')
    assert 'batch size: 2 GPUs with 32 images each, make 64 a step' in output
    (tmp_path / 'typo.py').write_text("_base_ = 'absent.py'")
    unusable = tmp_path / 'typo.py', tmp_path / 'absent.py'
    code, output, errors = run(*unusable, good)
    assert code == 2
    assert errors == f'error: cannot use {unusable[0]}, {unusable[1]}\n'
    assert 'unusable: cannot read config' in output
    assert 'unusable: config file not found' in output
    assert 'none' in output  # the others are checked all the same


MMDET = Path(mmdet.__file__).parent / '.mim/configs'
MMSEG = Path(mmseg.__file__).parent / '.mim/configs'
MMPRETRAIN = Path(mmpretrain.__file__).parent / '.mim/configs'


@pytest.mark.parametrize(
    'path',
    [
        MMDET / 'retinanet/retinanet_r18_fpn_1x_coco.py',
        MMDET / 'rpn/rpn_r50_fpn_1x_coco.py',
        MMSEG / 'segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
        MMPRETRAIN / 'resnet/resnet18_8xb32_in1k.py',
    ],
    ids=lambda path: path.stem,
)
def test_configs_of_the_libraries_themselves_pass(path):
    # SyncBN asks for a number of GPUs, which mmseg's configs do not tell
    report = check(load_config(path))
    assert (report.findings, report.unusable) == ([], None)


def test_a_layer_that_a_library_builds_for_nothing_is_found():
    # a neck that starts at the last map, and a last convolution that it does not read
    path = MMDET / 'yolo/yolov3_mobilenetv2_8xb24-320-300e_coco.py'
    findings = found(path)
    assert {*findings} == {'no gradient'}
    assert 'backbone.conv2.conv.weight' in findings['no gradient']
