"""tools/train.py and tools/test.py, as a user calls them, on tiny generated data."""

import json
from pathlib import Path

import numpy as np
import pytest
import synthetic
import torch
from commands import ROOT, run
from mmdet.datasets import CocoDataset
from PIL import Image

from sepvit_mm.checkpoints.whole import latest_checkpoint
from sepvit_mm.datasets import crowns, nuclei, trees
from sepvit_mm.plugins.bfloat16 import cpu_has_bfloat16

RETINANET = ROOT / 'configs/retinanet_sepvit_t_coco.py'
UPERNET = ROOT / 'configs/upernet_sepvit_t_ade20k.py'
CLASSES = CocoDataset.METAINFO['classes']
ONE_PROCESS = [
    f'{split}_dataloader.{key}'
    for split in ('train', 'val', 'test')
    for key in ('num_workers=0', 'persistent_workers=False')
]


def write_image(path: Path, size: tuple[int, int], box: tuple[int, ...]) -> None:
    """A dark image of (width, height) with a bright box."""
    pixels = np.full((size[1], size[0], 3), 40, np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 220
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope='module')
def coco(tmp_path_factory) -> Path:
    """Four training images and two for validation, in COCO's layout."""
    root = tmp_path_factory.mktemp('coco')
    for split, count in (('train2017', 4), ('val2017', 2)):
        images, annotations = [], []
        for i in range(1, count + 1):
            width, height, box = 96, 64, (10 * i, 8, 10 * i + 40, 48)
            write_image(root / split / f'{i}.jpg', (width, height), box)
            images.append(dict(id=i, file_name=f'{i}.jpg', width=width, height=height))
            annotations.append(
                dict(
                    id=i,
                    image_id=i,
                    category_id=1,
                    bbox=[10 * i, 8, 40, 40],
                    area=1600,
                    iscrowd=0,
                )
            )
        path = root / f'annotations/instances_{split}.json'
        path.parent.mkdir(exist_ok=True)
        categories = [dict(id=i, name=n) for i, n in enumerate(CLASSES, start=1)]
        path.write_text(
            json.dumps(
                dict(images=images, annotations=annotations, categories=categories)
            )
        )
    return root


@pytest.fixture(scope='module')
def ade(tmp_path_factory) -> Path:
    """Four training images and two for validation, in ADE20K's layout."""
    root = tmp_path_factory.mktemp('ade')
    for split, count in (('training', 4), ('validation', 2)):
        for i in range(1, count + 1):
            box = (10 * i, 8, 10 * i + 40, 48)
            write_image(root / f'images/{split}/{i}.jpg', (96, 64), box)
            labels = np.ones((64, 96), np.uint8)
            labels[8:48, 10 * i : 10 * i + 40] = 2
            path = root / f'annotations/{split}/{i}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels).save(path)
    return root


def detection_options(coco: Path) -> list[str]:
    """The paper's config with the smallest model, images as small as they come."""
    return [
        f'data_root={coco}',
        'model.backbone.arch=lite',
        'model.neck.in_channels=64,128,256',
        'model.test_cfg.score_thr=0.0',  # an untrained model is sure of nothing
        'train_dataloader.dataset.pipeline.2.scale=(96,96)',
        'val_dataloader.dataset.pipeline.1.scale=(96,96)',
        'test_dataloader.dataset.pipeline.1.scale=(96,96)',
        'tta_pipeline.1.transforms.0.0.scale=(96,96)',
        *ONE_PROCESS,
    ]


def segmentation_options(ade: Path) -> list[str]:
    return [
        f'data_root={ade}',
        'model.backbone.arch=lite',
        'model.data_preprocessor.size=(64,64)',
        'model.decode_head.in_channels=32,64,128,256',
        'model.decode_head.channels=16',
        'model.auxiliary_head.in_channels=128',
        'model.auxiliary_head.channels=16',
        'train_dataloader.dataset.pipeline.2.scale=(96,96)',
        'train_dataloader.dataset.pipeline.3.crop_size=(64,64)',
        'test_dataloader.dataset.pipeline.1.scale=(96,96)',
        'val_dataloader.dataset.pipeline.1.scale=(96,96)',
        *ONE_PROCESS,
    ]


@pytest.fixture(scope='module')
def trained_detector(coco, tmp_path_factory) -> Path:
    """A work dir with two epochs of training in it."""
    folder = tmp_path_factory.mktemp('detector')
    options = [*detection_options(coco), 'train_cfg.max_epochs=2']
    run(
        'train.py',
        RETINANET,
        *('--work-dir', folder, '--seed', 3, '--auto-scale-lr'),
        *('--cfg-options', *options),
        cwd=folder,
    )
    return folder


@pytest.fixture(scope='module')
def trained_segmentor(ade, tmp_path_factory) -> tuple[Path, str]:
    """A work dir with two iterations of training in it, and what was printed."""
    folder = tmp_path_factory.mktemp('segmentor')
    options = [
        *segmentation_options(ade),
        'train_cfg.max_iters=2',
        'train_cfg.val_interval=2',
        'default_hooks.checkpoint.interval=1',
    ]
    log = run(
        *('train.py', UPERNET, '--work-dir', folder),
        *('--cfg-options', *options),
        cwd=folder,
    )
    return folder, log


def test_training_goes_on_from_the_last_whole_checkpoint(coco, trained_detector):
    newest = trained_detector / 'epoch_2.pth'
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])  # as after a power cut
    log = run(
        *('train.py', RETINANET, '--work-dir', trained_detector, '--resume'),
        *('--cfg-options', *detection_options(coco), 'train_cfg.max_epochs=2'),
        cwd=trained_detector,
    )
    assert 'resumed epoch: 1, iter: 2' in log
    assert latest_checkpoint(trained_detector) == newest
    assert newest.stat().st_size > len(whole) // 2


def test_options_reach_the_runner(trained_detector):
    checkpoint = torch.load(trained_detector / 'epoch_1.pth', weights_only=False)
    assert checkpoint['meta']['seed'] == 3
    # one process with 2 images, where the recipe's rate is for 16
    rates = {g['initial_lr'] for g in checkpoint['optimizer']['param_groups']}
    assert rates == {1e-4 * 2 / 16}


def test_detector_is_evaluated_as_table_json_and_pictures(
    coco, trained_detector, tmp_path
):
    out, pictures = tmp_path / 'metrics.json', tmp_path / 'pictures'
    log = run(
        *('test.py', RETINANET, trained_detector / 'epoch_1.pth'),
        *('--out', out, '--show-dir', pictures, '--tta'),
        *('--cfg-options', *detection_options(coco)),
        cwd=tmp_path,
    )
    metrics = json.loads(out.read_text())
    assert 0 <= metrics['coco/bbox_mAP'] <= 1
    assert all(name in log for name in metrics)
    assert sorted(path.name for path in pictures.iterdir()) == ['1.jpg', '2.jpg']
    with Image.open(pictures / '1.jpg') as picture:
        assert picture.width == 2 * 96  # ground truth beside prediction
        assert picture.height > 64  # captions above


def test_segmentor_trains_without_a_process_group(trained_segmentor):
    folder, log = trained_segmentor
    assert 'reverted to BatchNorm' in log
    assert 'mIoU' in log
    assert latest_checkpoint(folder) == folder / 'iter_2.pth'


def test_segmentor_is_evaluated_as_table_json_and_pictures(
    ade, trained_segmentor, tmp_path
):
    folder, _ = trained_segmentor
    log = run(
        *('test.py', UPERNET, folder, '--show-dir', tmp_path / 'show'),
        *('--cfg-options', *segmentation_options(ade)),
        cwd=tmp_path,
    )
    default = tmp_path / 'work_dirs/upernet_sepvit_t_ade20k/metrics.json'
    metrics = json.loads(default.read_text())
    assert set(metrics) >= {'mIoU', 'mAcc', 'aAcc'}
    assert all(name in log for name in metrics)
    assert sorted(path.name for path in (tmp_path / 'show').iterdir()) == [
        '1.jpg',
        '2.jpg',
    ]


def write_trees(folder: Path) -> None:
    scenes = {'train': ('meadow',), 'val': ('wood',)}
    trees.write(synthetic.tree_files(), folder, scenes=scenes, overlap=12)


def write_crowns(folder: Path) -> None:
    scenes = {'train': ('meadow',), 'val': ('wood',)}
    crowns.write(synthetic.tree_files(), folder, scenes=scenes, size=32)


VARIANTS = ['--bf16', '--ema', '0.5', '--checkpointing']
VARIANTS += ['--layer-decay', '0.8', '--auto-scale-lr']


@pytest.fixture(scope='module')
def trained_classifier(tmp_path_factory) -> tuple[Path, str]:
    """A work dir with an epoch of classification in it, and what was printed."""
    folder = tmp_path_factory.mktemp('classifier')
    write_crowns(folder / 'data')
    options = ['data_root=data', 'train_cfg.max_epochs=2', 'train_cfg.val_interval=2']
    options += ['param_scheduler.1.end=2', 'train_dataloader.batch_size=2']
    options += ['default_hooks.checkpoint.interval=2', *ONE_PROCESS]
    options += ['optim_wrapper.accumulative_counts=2']
    log = run(
        *('train.py', ROOT / 'configs/sepvit_lite_crowns.py', '--work-dir', 'work'),
        *VARIANTS,
        *('--cfg-options', *options),
        cwd=folder,
    )
    return folder, log


def test_classifier_is_trained_and_evaluated_by_the_same_tools(trained_classifier):
    folder, log = trained_classifier
    has_bfloat16 = torch.cuda.is_available() or cpu_has_bfloat16()
    precision = 'mixed, in bfloat16' if has_bfloat16 else 'float32'
    assert f'precision {precision}' in ' '.join(log.split())
    # the weights that training starts from do not matter here
    other = ['load_from=absent.pth', 'resume=True']
    log = run(
        *('test.py', ROOT / 'configs/sepvit_lite_crowns.py', 'work'),
        *('--out', 'metrics.json', '--show-dir', 'show'),
        *('--cfg-options', 'data_root=data', *ONE_PROCESS, *other),
        cwd=folder,
    )
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert metrics['accuracy/top1'] in (0, 25, 50, 75, 100)
    assert 'accuracy/top1' in log
    assert len(list((folder / 'show').iterdir())) == 4


def test_the_rate_is_scaled_by_all_images_of_a_step(trained_classifier):
    folder, _ = trained_classifier
    saved = torch.load(folder / 'work/epoch_2.pth', weights_only=False)
    rates = [group['initial_lr'] for group in saved['optimizer']['param_groups']]
    # two times two images, where the recipe's rate is for 32
    assert max(rates) == pytest.approx(1e-3 * 4 / 32)


def test_the_moving_average_is_saved_beside_the_last_weights(trained_classifier):
    folder, _ = trained_classifier
    saved = torch.load(folder / 'work/epoch_2.pth', weights_only=False)
    last = saved['ema_state_dict']['module.head.fc.weight']
    assert not torch.equal(saved['state_dict']['head.fc.weight'], last)


def test_a_detector_starts_from_the_whole_backbone_of_a_classifier(
    trained_classifier, tmp_path
):
    checkpoint = trained_classifier[0] / 'work/epoch_2.pth'
    write_trees(tmp_path / 'data')
    init_cfg = 'model.backbone.init_cfg'
    options = ['data_root=data', *ONE_PROCESS, f'{init_cfg}.type=Pretrained']
    options += ['train_cfg.max_iters=1', 'train_cfg.val_interval=1']
    log = run(
        *('train.py', ROOT / 'configs/atss_sepvit_lite_trees.py'),
        *('--work-dir', 'work', '--cfg-options', *options),
        f'{init_cfg}.checkpoint={checkpoint}',
        cwd=tmp_path,
    )
    assert '100.0% of the backbone filled, 100.0% of the file used' in log
    (report,) = (tmp_path / 'work').rglob('pretrained_coverage.json')
    coverage = json.loads(report.read_text())
    trained = torch.load(checkpoint, weights_only=False)['state_dict']
    ours = {n.removeprefix('backbone.') for n in trained if n.startswith('backbone.')}
    assert set(coverage['loaded']) == ours
    assert not coverage['missing'] and not coverage['unexpected']


def test_resume_needs_no_pretrained_weights_any_more(trained_classifier, tmp_path):
    folder, _ = trained_classifier
    options = ['data_root=data', 'train_dataloader.batch_size=2', *ONE_PROCESS]
    options += ['train_cfg.max_epochs=3', 'param_scheduler.1.end=3']
    options += ['model.backbone.init_cfg.type=Pretrained']
    options += ['model.backbone.init_cfg.checkpoint=absent.pth']
    log = run(
        *('train.py', ROOT / 'configs/sepvit_lite_crowns.py', '--work-dir', tmp_path),
        *VARIANTS,  # resume compares parameter groups, which layer decay makes
        *('--resume', folder / 'work/epoch_2.pth', '--cfg-options', *options),
        cwd=folder,
    )
    assert 'Epoch(train)   [3]' in log or 'Epoch(train) [3]' in log


def test_resume_without_the_moving_average_is_refused(trained_classifier, refusal):
    folder, _ = trained_classifier
    options = [f'data_root={folder}/data', 'train_dataloader.batch_size=2']
    message = refusal(
        *('train.py', ROOT / 'configs/sepvit_lite_crowns.py'),
        *('--resume', folder / 'work/epoch_2.pth', '--cfg-options', *options),
        *ONE_PROCESS,
    )
    assert 'epoch_2.pth' in message and 'repeat --ema' in message


def test_missing_weights_to_start_from_are_named(trained_classifier, refusal):
    options = [f'data_root={trained_classifier[0]}/data', 'load_from=absent.pth']
    config = ROOT / 'configs/sepvit_lite_crowns.py'
    message = refusal('train.py', config, '--cfg-options', *options)
    assert 'absent.pth' in message and 'load_from' in message


@pytest.mark.parametrize('wrapper', ['state_dict', 'model'])
def test_training_starts_from_what_fills_the_model_or_not_at_all(
    trained_classifier, wrapper, tmp_path, refusal
):
    folder, _ = trained_classifier
    saved = torch.load(folder / 'work/epoch_2.pth', weights_only=False)['state_dict']
    if wrapper == 'state_dict':  # which mmengine unwraps
        saved = {f'other.{name}': value for name, value in saved.items()}
    torch.save({wrapper: saved}, tmp_path / 'other.pth')
    options = [f'data_root={folder}/data', f'load_from={tmp_path}/other.pth']
    config = ROOT / 'configs/sepvit_lite_crowns.py'
    message = refusal('train.py', config, '--cfg-options', *options)
    assert 'other.pth fills 0% of the model' in message


def test_a_checkpoint_of_another_model_is_refused_with_the_report(
    trained_classifier, tmp_path, refusal
):
    checkpoint = trained_classifier[0] / 'work/epoch_2.pth'
    write_trees(tmp_path / 'data')
    options = ['data_root=data', *ONE_PROCESS, 'model.backbone.arch=tiny']
    options += ['model.neck.in_channels=96,192,384,768']
    options += ['model.backbone.init_cfg.type=Pretrained']
    options += [f'model.backbone.init_cfg.checkpoint={checkpoint}']
    config = ROOT / 'configs/atss_sepvit_lite_trees.py'
    options = ['--cfg-options', *options]
    message = refusal('train.py', config, *options, one_line=False)
    assert 'does not fit SepViT' in message and str(checkpoint) in message
    assert 'mismatched' in message and '0.0% of the backbone filled' in message


def write_nuclei(folder: Path) -> None:
    nuclei.write(synthetic.nuclei_files(), folder, split_at=70)


@pytest.mark.parametrize(
    'name, write, metrics, more',
    [
        ('atss_sepvit_lite_trees', write_trees, ['bbox'], ['--tta']),
        ('mask_rcnn_sepvit_lite_nuclei', write_nuclei, ['bbox', 'segm'], []),
        ('upernet_sepvit_lite_nuclei', write_nuclei, ['mIoU'], ['--tta']),
    ],
)
def test_embedded_default_trains_and_is_evaluated(name, write, metrics, more, tmp_path):
    write(tmp_path / 'data')
    options = ['--cfg-options', 'data_root=data', *ONE_PROCESS]
    config = ROOT / f'configs/{name}.py'
    short = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
    log = run('train.py', config, *options, *short, cwd=tmp_path)
    assert 'loss: nan' not in log
    log = run(
        *('test.py', config, f'work_dirs/{name}', '--show-dir', 'pictures', *more),
        *options,
        cwd=tmp_path,
    )
    result = json.loads((tmp_path / f'work_dirs/{name}/metrics.json').read_text())
    for metric in metrics:
        assert any(metric in key for key in result), result
    assert all(key in log for key in result)
    images = (tmp_path / 'data/images/val').iterdir()
    pictures = (tmp_path / 'pictures').iterdir()
    assert sorted(p.name for p in pictures) == sorted(p.name for p in images)


def test_missing_config_is_named(refusal):
    assert 'absent.py' in refusal('train.py', 'absent.py')
    assert 'absent.py' in refusal('test.py', 'absent.py', 'any.pth')


def test_missing_data_is_named_with_the_remedy(refusal):
    message = refusal('train.py', RETINANET)
    assert 'data/coco' in message
    assert 'sepvit-mm prepare' in message and 'data_root=' in message


def test_missing_annotations_are_named(refusal, coco):
    annotations = 'train_dataloader.dataset.ann_file=annotations/none.json'
    options = ['--cfg-options', *detection_options(coco), annotations]
    assert 'annotations/none.json' in refusal('train.py', RETINANET, *options)


@pytest.mark.parametrize('pair', ['lr', '=1', 'optim_wrapper..lr=1'])
def test_malformed_option_is_quoted(refusal, pair):
    message = refusal('train.py', RETINANET, '--cfg-options', pair)
    assert 'KEY=VALUE' in message and repr(pair) in message


def test_option_that_fits_nothing_is_refused(refusal):
    key = 'train_dataloader.dataset.pipeline.99.scale'
    assert key in refusal('train.py', RETINANET, '--cfg-options', f'{key}=1')


def test_misspelt_option_is_refused(refusal):
    message = refusal('train.py', RETINANET, '--cfg-options', 'optim_wraper.lr=1')
    assert 'optim_wraper.lr' in message and 'optim_wrapper' in message


def test_scaling_the_rate_needs_a_base_batch_size(refusal, coco, tmp_path):
    config = tmp_path / 'unscaled.py'
    config.write_text(f"_base_ = '{RETINANET}'\nauto_scale_lr = dict(_delete_=True)\n")
    options = ['--auto-scale-lr', '--cfg-options', *detection_options(coco)]
    message = refusal('train.py', config, *options)
    assert 'auto_scale_lr.base_batch_size' in message


def test_augmentation_needs_a_config_that_defines_it(refusal, coco):
    config = ROOT / 'configs/mask_rcnn_sepvit_t_coco.py'
    options = ['--tta', '--cfg-options', f'data_root={coco}']
    assert 'tta_model' in refusal('test.py', config, 'any.pth', *options)


@pytest.mark.parametrize('tool', ['train.py', 'test.py'])
def test_missing_checkpoint_is_named(refusal, coco, tool):
    checkpoint = ['absent.pth'] if tool == 'test.py' else ['--resume', 'absent.pth']
    options = ['--cfg-options', *detection_options(coco)]
    assert 'absent.pth' in refusal(tool, RETINANET, *checkpoint, *options)


def test_folder_without_a_checkpoint_is_named(refusal, coco, tmp_path):
    options = ['--cfg-options', *detection_options(coco)]
    assert str(tmp_path) in refusal('test.py', RETINANET, tmp_path, *options)


@pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU makes it work')
def test_several_processes_without_a_gpu_are_refused(refusal):
    message = refusal('train.py', RETINANET, '--launcher', 'pytorch')
    assert 'pytorch' in message and 'GPU' in message


def test_unreadable_checkpoint_is_named(refusal, coco, tmp_path):
    (tmp_path / 'cut.pth').write_bytes(b'PK\x03\x04')
    options = ['--cfg-options', *detection_options(coco)]
    assert 'cut.pth' in refusal('test.py', RETINANET, tmp_path / 'cut.pth', *options)


def test_checkpoint_that_does_not_fit_is_refused_key_by_key(
    refusal, coco, trained_detector, tmp_path
):
    checkpoint = torch.load(trained_detector / 'epoch_1.pth', weights_only=False)
    weights = checkpoint['state_dict']
    weights['backbone.surplus'] = weights.pop('backbone.norms.1.weight')
    torch.save({'state_dict': weights}, tmp_path / 'other.pth')
    options = ['--cfg-options', *detection_options(coco)]
    message = refusal('test.py', RETINANET, tmp_path / 'other.pth', *options)
    assert 'backbone.surplus' in message and 'backbone.norms.1.weight' in message
