"""Pictures of predictions: any image gets one, and none can end a test."""

from __future__ import annotations

import json
import logging
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import cv2
import mmcv
import numpy as np
import pytest
import tifffile
import torch
from commands import ROOT
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.registry import TRANSFORMS
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from noise import detector_config, segmentor_config, write_coco, write_masks
from PIL import Image, ImageDraw
from torch.utils.data import BatchSampler, ConcatDataset, SequentialSampler

from sepvit_mm import PictureHook
from sepvit_mm.cli.main import main
from sepvit_mm.drawing.colours import OKABE_ITO, colours_of
from sepvit_mm.drawing.images import read_image, source_of, to_rgb
from sepvit_mm.drawing.names import PictureNames, candidates
from sepvit_mm.drawing.paint import beside, paint
from sepvit_mm.drawing.samples import Shown, predictions_of, truth_of
from sepvit_mm.engine import load_config
from sepvit_mm.engine.models import build_model

RED, GREEN, BLUE = (np.array(c, np.uint8) for c in np.eye(3, dtype=int) * 200)


def plain(colour: np.ndarray) -> np.ndarray:
    """An image of one colour, 6 pixels high and 8 wide."""
    return np.broadcast_to(colour, (6, 8, len(colour))).copy()


@pytest.mark.parametrize('bands', [1, 2, 3, 4, 5, 12])
def test_the_first_three_bands_are_shown(bands):
    image = np.arange(6 * 8 * bands, dtype=np.uint8).reshape(6, 8, bands)
    shown = to_rgb(image)
    assert shown.shape == (6, 8, 3) and shown.dtype == np.uint8
    for band in range(3):
        assert (shown[..., band] == image[..., band if bands >= 3 else 0]).all()


def test_only_photographs_begin_with_blue():
    assert (to_rgb(plain(BLUE), is_bgr=True) == RED).all()
    five = np.arange(5, dtype=np.uint8)
    assert (to_rgb(plain(five[:4]), is_bgr=True) == [2, 1, 0]).all()
    assert (to_rgb(plain(five), is_bgr=True) == [0, 1, 2]).all()


@pytest.mark.parametrize(
    'values, shown',
    [
        (np.float32([-1, 0, 1]), [0, 128, 255]),
        (np.float32([0, 0.5, 1]), [0, 128, 255]),
        (np.float32([3, 7, 200]), [3, 7, 200]),  # to_float32=True
        (np.uint16([0, 2048, 4096]), [0, 128, 255]),
        (np.int16([-100, 0, 155]), [0, 100, 255]),
        (np.float32([np.nan, 2.5, np.inf, 4]), [0, 0, 0, 255]),
        (np.float32([np.nan, np.nan]), [0, 0]),
        (np.float32([0.3, 0.3]), [0, 0]),
        (np.array([False, True]), [0, 255]),
    ],
    ids=str,
)
def test_numbers_of_any_range_are_stretched_to_8_bits(values, shown):
    image = to_rgb(values[None])
    assert image[0, :, 0].tolist() == shown


@pytest.mark.parametrize('shape', [(4,), (2, 6, 8, 3), (0, 8, 3)])
def test_an_array_that_is_no_image_is_named_by_its_shape(shape):
    with pytest.raises(ValueError, match=r'array of shape \(.*no image'):
        to_rgb(np.zeros(shape))


def transforms(*configs: dict) -> list:
    import mmdet.datasets  # noqa: F401  registers its transforms

    return [TRANSFORMS.build(config) for config in configs]


def test_an_image_is_read_as_its_pipeline_reads_it(tmp_path):
    path = str(tmp_path / 'bands')  # mmcv cannot read five bands
    tifffile.imwrite(path, plain(np.uint16([0, 300, 600, 10, 20])), photometric=None)
    tiff = dict(type='LoadImageFromFile', imdecode_backend='tifffile')
    image = read_image({'img_path': path}, transforms(tiff))
    assert (image == [0, 128, 255]).all()
    # as they lie in the file, turned by no EXIF data
    path = str(tmp_path / 'turned.jpg')
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(plain(RED)).save(path, exif=exif)
    lying = dict(type='LoadImageFromFile', color_type='color_ignore_orientation')
    assert read_image({'img_path': path}, transforms(lying)).shape == (6, 8, 3)
    assert read_image({'img_path': path}).shape == (8, 6, 3)
    # tifffile gives RGB, all others BGR
    path = str(tmp_path / 'red.tif')
    Image.fromarray(plain(RED)).save(path)
    for backend in ('tifffile', 'cv2', 'pillow'):
        loader = dict(type='LoadImageFromFile', imdecode_backend=backend)
        assert (read_image({'img_path': path}, transforms(loader)) == RED).all()
    # not read from a file at all
    loader = transforms(dict(type='mmdet.LoadImageFromNDArray'))
    assert (read_image({'img': plain(BLUE)}, loader) == RED).all()


def test_without_a_pipeline_mmcv_reads_the_image(tmp_path):
    modes = dict(L=200, P=(204, 0, 0), RGBA=(200, 0, 0, 9))
    for mode, shown in dict(L=(200, 200, 200), P=(204, 0, 0), RGBA=RED).items():
        path = tmp_path / f'{mode}.png'
        made = Image.new('RGB' if mode == 'P' else mode, (8, 6), modes[mode])
        made.convert(mode).save(path)
        assert (read_image({'img_path': str(path)}) == shown).all(), mode

    def missing(record):
        raise KeyError('something that only the dataset knows')

    assert (read_image({'img_path': str(path)}, [missing]) == RED).all()
    with pytest.raises(KeyError, match='only the dataset knows'):
        read_image({}, [missing])
    path.write_bytes(b'no image')
    with pytest.raises(ValueError, match='cannot decode'):
        read_image({'img_path': str(path)})


class Data:
    """A dataset of paths."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.metainfo = {'classes': ('cat', 'dog')}
        self.pipeline = SimpleNamespace(transforms=[f'loads {paths[0]}'])

    def __len__(self) -> int:
        return len(self.paths)

    def get_data_info(self, index: int) -> dict:
        return {'img_path': self.paths[index], 'bands': index}


def test_what_the_dataset_knows_of_an_image_is_found_by_its_index():
    data = Data('a', 'b')
    assert source_of(data, 1, 'b') == ({'img_path': 'b', 'bands': 1}, ['loads a'])
    assert source_of(data, 1, None)[0] == {'img_path': 'b', 'bands': 1}
    # another order, or none that is known
    assert source_of(data, 1, 'a') == ({'img_path': 'a'}, ['loads a'])
    assert source_of(data, None, 'a') == ({'img_path': 'a'}, ['loads a'])
    joined = SimpleNamespace(dataset=ConcatDataset([data, Data('c')]))
    loaders = [source_of(joined, index, 'x')[1] for index in range(3)]
    assert loaders == [['loads a'], ['loads a'], ['loads c']]
    assert source_of(object(), 0, 'a') == ({'img_path': 'a'}, ())


def test_every_image_has_a_picture_of_its_own():
    wanted = {
        '/x/a.png': 'a.png',
        '/x/a.jpg': 'a.jpg',
        '/x/a.JPEG': 'a.JPEG',
        '/x/b/a.png': 'b_a.png',
        '/x/b_a.png': 'x_b_a.png',
        '/y/a.png': 'y_a.png',
        '/x/a.tif': 'a.tif.png',
        '/x/a': 'x_a.png',
        '/x/scene.v1': 'scene.png',
        '/x/scene.v2': 'scene.v2.png',
        'https://host/c.webp': 'c.png',
        '17': '17.png',
        '/a.png': 'a_2.png',
        '/': 'image.png',
    }
    names = PictureNames()
    assert {image: names.name(image) for image in wanted} == wanted
    assert {image: names.name(image) for image in wanted} == wanted  # again
    assert list(islice(candidates('/.tif'), 3)) == [
        '.tif.png',
        '.tif_2.png',
        '.tif_3.png',
    ]


@pytest.mark.parametrize(
    'palette', [None, [], 'random', [(1, 2, 3)], ((1, 2, 3), (4, 5, 6, 255))], ids=str
)
def test_every_class_has_a_colour_of_its_own(palette):
    meta = {'classes': tuple(map(str, range(20))), 'palette': palette, 'more': 1}
    colours = colours_of(meta)
    own = [] if isinstance(palette, str) else palette or []
    known = [tuple(colour[:3]) for colour in own] or list(OKABE_ITO)
    assert len(colours) == 20 and colours[: len(known)] == known
    assert all(0 <= value <= 255 for colour in colours for value in colour)
    lab = cv2.cvtColor(np.float32([colours]) / 255, cv2.COLOR_RGB2LAB)[0]
    for index in range(len(known), 20):  # 2.3 is just noticeable
        assert np.linalg.norm(lab[:index] - lab[index], axis=1).min() > 30


def test_colours_of_other_classes_are_not_taken():
    coco = {'classes': ('cat', 'dog'), 'palette': [(i, 0, 0) for i in range(80)]}
    assert colours_of(coco) == list(OKABE_ITO)
    assert len(colours_of({'classes': range(1000)})) == 1000


def image_of(size: tuple[int, int]) -> np.ndarray:
    return np.full((*size, 3), 90, np.uint8)


CAPTION = 16  # pixels above a small image
COLOURS = ((255, 0, 0), (0, 0, 255))


@pytest.mark.parametrize(
    'truth, prediction',
    [
        (
            dict(gt_instances=dict(bboxes=[[20, 30, 60, 50]], labels=[1])),
            dict(
                pred_instances=dict(
                    bboxes=[[70, 60, 110, 80]], labels=[0], scores=[0.9]
                )
            ),
        ),
        (dict(gt_sem_seg=1), dict(pred_sem_seg=0)),
        (dict(gt_label=[1]), dict(pred_score=[1.0, 0.0])),
    ],
    ids=['objects', 'pixels', 'image'],
)
def test_the_truth_is_on_the_left_and_the_prediction_on_the_right(truth, prediction):
    sample = data_sample(**truth, **prediction)
    shown = truth_of(sample, 2)
    assert shown.is_truth and not predictions_of(sample).is_truth
    panels = {'annotated': shown, 'predicted': predictions_of(sample)}
    picture = beside(image_of((120, 120)), panels, ('cat', 'dog'), COLOURS).astype(int)
    assert picture.shape[1] == 240 and picture.shape[0] > 120
    caption, panel = np.split(picture, [len(picture) - 120])
    assert (caption[:, :120] < 90).any() and (caption[:, 120:] < 90).any()
    redder = panel[..., 0] - panel[..., 2]
    assert redder[:, :120].min() < -60 and redder[:, :120].max() <= 0
    assert redder[:, 120:].max() > 60
    without = {**panels, 'annotated': truth_of(data_sample(**prediction), 2)}
    picture = beside(image_of((120, 120)), without, ('cat', 'dog'), COLOURS)
    assert picture.shape[1] == 120


def data_sample(**content) -> BaseDataElement:
    """A data sample with these fields, numbers as tensors."""
    sample = BaseDataElement()
    for name, value in content.items():
        if isinstance(value, dict):
            value = InstanceData(**{k: torch.tensor(v) for k, v in value.items()})
        elif isinstance(value, int):
            value = PixelData(data=torch.full((1, 120, 120), value))
        else:
            value = torch.tensor(value)
        sample.set_field(value, name)
    return sample


def test_masks_of_the_truth_are_bitmaps_or_polygons():
    square = np.zeros((100, 120), np.uint8)
    square[10:30, 20:60] = 1
    corners = np.array([20, 10, 60, 10, 60, 30, 20, 30], float)
    for masks in (
        BitmapMasks(square[None], 100, 120),
        PolygonMasks([[corners]], 100, 120),
    ):
        instances = InstanceData(
            bboxes=HorizontalBoxes([[20, 10, 60, 30]]),
            labels=torch.tensor([0]),
            masks=masks,
        )
        shown = truth_of(BaseDataElement(gt_instances=instances), 1)
        (mask,) = shown.masks
        assert (mask.left, mask.top) == (20, 10) and mask.pixels.shape == (20, 40)
        assert mask.pixels.all() and shown.boxes.tolist() == [[20, 10, 60, 30]]


def test_of_the_truth_classes_are_written_and_no_scores(monkeypatch):
    written = []
    monkeypatch.setattr(
        ImageDraw.ImageDraw, 'text', lambda *args, **_: written.append(args[2])
    )

    def texts(shown: Shown) -> list[str]:
        written.clear()
        paint(image_of((100, 120)), shown, ('cat', 'dog'), COLOURS)
        return written

    instances = dict(bboxes=[[20, 40, 90, 70]], labels=[1], scores=[0.75])
    sample = data_sample(gt_instances=instances, pred_instances=instances, gt_label=[1])
    assert texts(truth_of(sample, 2)) == ['dog', 'dog: 1']
    assert texts(predictions_of(sample)) == ['0.75', 'dog: 1']
    image = data_sample(gt_label=[1], pred_score=[0.25, 0.75])
    assert texts(truth_of(image, 2)) == ['dog']
    assert texts(predictions_of(image)) == ['dog 0.75', 'cat 0.25']


def test_pictures_that_cannot_be_drawn_are_counted_and_the_first_named(
    tmp_path, caplog
):
    images = [str(tmp_path / name) for name in ('0.png', '1.png', '2.png', '3.png')]
    for image in images[1:]:
        mmcv.imwrite(plain(RED), image)

    known = data_sample(pred_score=[0.1, 0.9])
    logger = logging.getLogger(__name__)
    runner = SimpleNamespace(
        test_dataloader=SimpleNamespace(
            dataset=Data(*images),
            batch_sampler=BatchSampler(SequentialSampler(images), 3, drop_last=False),
        ),
        logger=logger,
    )
    hook = PictureHook(tmp_path / 'pictures')
    (tmp_path / 'pictures').mkdir()
    (tmp_path / 'pictures/2.png').write_bytes(b'of an earlier run')
    for _ in range(2):  # a hook may see several tests
        caplog.clear()
        hook.before_test(runner)
        for batch in (images[:3], images[3:]):
            samples = [known.new(metainfo=dict(img_path=image)) for image in batch]
            if images[2] in batch:
                del samples[2].pred_score
            hook.after_test_iter(runner, 0, {}, samples)
        with caplog.at_level(logging.INFO, logger.name):
            hook.after_test(runner)
        drawn, warning = caplog.records
        assert drawn.getMessage() == f'2 pictures in {tmp_path / "pictures"}'
        assert warning.levelno == logging.WARNING
        message = warning.getMessage()
        begin = '2 of 4 pictures could not be drawn; the first, '
        assert message.startswith(f'{begin}{images[0]}: FileNotFoundError: ')
        written = sorted(path.name for path in (tmp_path / 'pictures').iterdir())
        assert written == ['1.png', '3.png']


def evaluated(config: Path, *args: str | Path) -> dict[str, float]:
    """Test a config with random weights; return the metrics that are written."""
    cfg = load_config(config)
    torch.manual_seed(0)
    checkpoint, out = config.with_suffix('.pth'), config.with_suffix('.json')
    torch.save({'state_dict': build_model(cfg).state_dict()}, checkpoint)
    work_dir = f'work_dir={config.with_suffix("")}'
    command = ['test', config, checkpoint, '--out', out, *args]
    assert main([str(arg) for arg in (*command, '--cfg-options', work_dir)]) == 0
    return json.loads(out.read_text())


def sizes(folder: Path) -> dict[str, tuple[str, tuple[int, int]]]:
    """Format and size of every picture, by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        with Image.open(path) as picture:
            found[path.name] = picture.format, picture.size
    return found


@pytest.mark.parametrize('tta', [(), ('--tta',)], ids=['plain', 'tta'])
def test_a_detector_draws_any_image_with_any_palette(tmp_path, tta):
    root = write_coco(tmp_path / 'data')
    images, listed = root / 'images/val', root / 'annotations/val.json'
    content = json.loads(listed.read_text())
    (images / 'b').mkdir()
    names = ['a.png', 'a.jpg', 'b/a.png', 'bare', 'a.tif', 'deep.png']
    modes = ['P', 'L', 'RGBA', 'RGB', 'RGB', 'I;16']
    for image, name, mode in zip(content['images'], names, modes, strict=True):
        with Image.open(images / image['file_name']) as opened:
            kind = {'.jpg': 'jpeg', '.tif': 'tiff'}.get(Path(name).suffix, 'png')
            if mode == 'I;16':
                made = Image.fromarray(
                    np.asarray(opened.convert('L')).astype('<u2') * 16
                )
            else:
                made = opened.convert(mode)
            made.save(images / name, kind)
        image['file_name'] = name
    listed.write_text(json.dumps(content))
    config = detector_config(
        tmp_path / 'config.py',
        root,
        "dataset['metainfo'] = dict(classes=('cat', 'dog'), palette=[(220, 20, 60)])\n"
        "model['test_cfg'] = dict(score_thr=0.0)",
    )
    metrics = evaluated(config, '--show-dir', tmp_path / 'show', *tta)
    assert 0 <= metrics['coco/bbox_mAP'] <= 1
    size = (2 * 160, 120 + CAPTION)
    assert sizes(tmp_path / 'show') == {
        'a.jpg': ('JPEG', size),
        'a.png': ('PNG', size),
        'a.tif.png': ('PNG', size),
        'b_a.png': ('PNG', size),
        'bare.png': ('PNG', size),
        'deep.png': ('PNG', size),
    }


FIVE_BANDS = """
loader = dict(type='LoadImageFromFile', imdecode_backend='tifffile')
model = dict(
    backbone=dict(in_channels=5),
    data_preprocessor=dict(mean=None, std=None, bgr_to_rgb=False),
)
test_pipeline = [loader, dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
tta_pipeline = [
    loader,
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]
test_dataloader['dataset'] = dict(
    **dataset, img_suffix='.tif', pipeline=test_pipeline
)
"""


@pytest.mark.parametrize('tta', [(), ('--tta',)], ids=['plain', 'tta'])
def test_a_segmentor_draws_five_bands_of_floats(tmp_path, tta):
    root = write_masks(tmp_path / 'data')
    images = root / 'images/val'
    for path in images.glob('*.png'):
        with Image.open(path) as image:
            three = np.asarray(image) / np.float32(255)
        bands = np.concatenate([three, three[..., :2]], axis=2)
        tifffile.imwrite(path.with_suffix('.tif'), bands, photometric='minisblack')
    config = segmentor_config(tmp_path / 'config.py', root, FIVE_BANDS)
    metrics = evaluated(config, '--show-dir', tmp_path / 'show', *tta)
    assert set(metrics) >= {'mIoU', 'aAcc'}
    shown = sizes(tmp_path / 'show')
    assert shown == {f'{i}.png': ('PNG', (2 * 160, 120 + CAPTION)) for i in range(6)}


CLASSIFIER = f"""
_base_ = {str(ROOT / 'configs/sepvit_lite_crowns.py')!r}
loader = dict(type='mmseg.LoadImageFromNpyFile')
custom_imports = dict(imports=['sepvit_mm', 'mmseg.datasets'])
pipeline = [loader, dict(type='PackInputs')]
test_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader['dataset'] = dict(
    data_root='DATA', ann_file='val.json', data_prefix='', pipeline=pipeline
)
tta_model = dict(type='AverageClsScoreTTA')
flips = [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)]
augment = dict(type='TestTimeAug', transforms=[flips, [dict(type='PackInputs')]])
tta_pipeline = [loader, augment]
"""


@pytest.mark.parametrize('tta', [(), ('--tta',)], ids=['plain', 'tta'])
def test_a_classifier_draws_arrays(tmp_path, tta):
    data_list = [dict(img_path=f'{i}.npy', gt_label=i % 2) for i in range(3)]
    for entry in data_list:
        np.save(tmp_path / entry['img_path'], np.random.rand(64, 64, 3).astype('f4'))
    listed = dict(metainfo={}, data_list=data_list)
    (tmp_path / 'val.json').write_text(json.dumps(listed))
    config = tmp_path / 'config.py'
    config.write_text(CLASSIFIER.replace('DATA', str(tmp_path)))
    metrics = evaluated(config, '--show-dir', tmp_path / 'show', *tta)
    assert 'accuracy/top1' in metrics
    assert list(sizes(tmp_path / 'show')) == ['0.png', '1.png', '2.png']


def test_metrics_are_written_if_no_picture_can_be(tmp_path, capfd):
    config = segmentor_config(tmp_path / 'config.py', write_masks(tmp_path / 'data'))
    show = tmp_path / 'show'
    for index in range(6):
        (show / f'{index}.png').mkdir(parents=True)  # no file can be written there
    metrics = evaluated(config, '--show-dir', show)
    assert set(metrics) >= {'mIoU', 'aAcc'}
    output = ''.join(capfd.readouterr())
    assert '6 of 6 pictures could not be drawn; the first, ' in output
    assert f'{tmp_path}/data/images/val/0.png: IsADirectoryError' in output
