"""Faults of label maps are named before a segmentor trains on them."""

import re
from pathlib import Path

import noise
import numpy as np
import pytest
from PIL import Image
from test_annotations import texts_of

from sepvit_mm.annotations import LabelMaps, label_faults
from sepvit_mm.check import check
from sepvit_mm.engine import load_config, train
from sepvit_mm.errors import InputError


@pytest.fixture
def maps(tmp_path):
    """Label maps of noise, and a function that changes each of some of them."""
    noise.write_masks(tmp_path)
    images, folder = tmp_path / 'images/train', tmp_path / 'masks/train'

    def edit(change, count: int = noise.COUNT) -> None:
        for path in sorted(folder.iterdir())[:count]:
            change(Image.open(path)).save(path)

    def found(**options) -> list:
        pairs = [(images / path.name, path) for path in sorted(folder.iterdir())]
        defaults = dict(
            folder=folder,
            images=images,
            pairs=pairs,
            classes=('ground', 'box'),
            suffixes=('.png', '.png'),
        )
        return label_faults(LabelMaps(**{**defaults, **options}))

    found.edit, found.folder = edit, folder
    return found


def values(*new):
    """Make a change of values: 0 to the first, 1 to the second."""
    return lambda image: Image.fromarray(np.array(new)[np.array(image)])


BYTES = np.uint8
FAULTS = {
    'binary mask': (
        lambda image: image.point(lambda value: 255 * value),
        'stops',
        "have 0 and 255 for two classes: 255 is ignored, so 'box' is never seen: save "
        '1 instead of 255',
    ),
    'colours': (
        lambda image: image.convert('RGB'),
        'stops',
        r'several channels in 6 of 6 sampled label maps \(0.png: RGB,',
    ),
    'colours and opacity': (lambda image: image.convert('RGBA'), 'stops', 'RGBA'),
    'grey and opacity': (lambda image: image.convert('LA'), 'stops', 'channels .*LA'),
    'no class': (
        values(BYTES(1), BYTES(7)),
        'stops',
        r'none of 2 classes in 6 of 6 sampled label maps \(0.png: 7 \(2400 pixels\), .*'
        'classes are 0 to 1, and 255 is ignored',
    ),
    'more than 8 bits': (
        values(np.uint16(0), np.uint16(256)), 'stops', r'0.png: 256 \(2400 pixels\)',
    ),
    'smaller': (
        lambda image: image.resize((80, 60)),
        'stops',
        r'another size than the image .*\(0.png: 80x60, not 160x120',
    ),
    'only what is ignored': (
        values(BYTES(255), BYTES(255)),
        'stops',
        'have only 255: all of that is ignored',
    ),
    'a class never seen': (
        values(BYTES(0), BYTES(0)),
        'noted',
        "never show 'box': the values in them are 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', FAULTS)
def test_a_fault_is_named(name, maps):
    change, outcome, message = FAULTS[name]
    maps.edit(change)
    fault = maps()[0]
    assert fault.kind.outcome == outcome
    assert re.search(message, str(fault)), str(fault)


@pytest.mark.parametrize(
    'change',
    [
        lambda image: image,
        lambda image: image.convert('P'),
        lambda image: image.point(lambda value: 255 * value).convert('1'),
        values(np.uint16(0), np.uint16(1)),
    ],
    ids=['L', 'P', 'one bit', '16 bits'],
)
def test_one_number_a_pixel_is_right_in_any_mode(change, maps):
    maps.edit(change)
    assert maps() == []


def test_values_are_what_the_config_makes_of_them(maps):
    # 0 is ignored, 1 is the first class
    assert 'never show' in str(maps(reduce_zero_label=True)[0])
    maps.edit(values(BYTES(1), BYTES(2)))
    assert maps(reduce_zero_label=True) == []
    assert 'classes are 0 to 1' in str(maps()[0])
    # the number of a class that the config leaves out
    assert maps(label_map={1: 0, 2: 1}) == []
    assert maps(classes=('ground',), label_map={1: 0, 2: 255}) == []
    maps.edit(values(BYTES(0), BYTES(0), BYTES(255)))
    both = 'so is 0 .reduce_zero_label.* save 1 instead of 255, and set reduce_zero_lab'
    assert re.search(both, str(maps(reduce_zero_label=True)[0]))


def test_training_resizes_label_maps_of_another_size(maps):
    maps.edit(lambda image: image.resize((80, 60)))
    assert [fault.kind.outcome for fault in maps(trains=True)] == ['noted']


def test_a_sample_is_from_all_over_and_says_so(maps, tmp_path):
    path = maps.folder / '0.png'
    colours = tmp_path / 'colours.png'
    Image.open(path).convert('RGB').save(colours)
    image = tmp_path / 'images/train/0.png'
    pairs = [(image, path)] * 200
    assert maps(pairs=pairs, whole=False) == []
    (fault,) = maps(pairs=[*pairs, (image, colours)], whole=False)
    assert 'several channels in 1 of 50 sampled label maps' in str(fault)
    # a few classes of many may be missing from a sample, but not all but one
    classes = ('ground', 'box', 'tree')
    assert maps(pairs=pairs, whole=False, classes=classes) == []
    maps.edit(values(BYTES(1), BYTES(1)))
    (fault,) = maps(pairs=pairs, whole=False, classes=classes)
    assert "never show 'ground', 'tree': the values in the sample are 1" in str(fault)


def test_images_and_label_maps_belong_together(maps):
    (maps.folder / '3.png').rename(maps.folder / 'odd.png')
    names = [f'{index}.png' for index in range(noise.COUNT)]
    images = maps.folder.parents[1] / 'images/train'
    pairs = [(images / name, maps.folder / name) for name in names]
    missing, surplus = maps(pairs=pairs)
    assert 'label map missing in 1 of 6 images (3.png)' in str(missing)
    assert 'image missing in 1 of 6 label maps (odd.png)' in str(surplus)
    assert (missing.kind.outcome, surplus.kind.outcome) == ('stops', 'noted')
    assert [fault.kind for fault in maps(pairs=pairs, whole=False)] == [missing.kind]
    pairs[3] = images / 'x.png', maps.folder / '4.png'
    (none,) = maps(pairs=pairs, whole=False)
    assert 'image missing in 1 of 6 images (x.png)' in str(none)
    (none,) = maps(pairs=[], whole=False)
    assert 'ann_file lists no image' in str(none)
    (none,) = maps(pairs=[], suffixes=('.jpg', '.png'))
    assert "ends with .jpg: files there end with '.png': set img_suffix" in str(none)


def segmentor(folder: Path, more: str = ''):
    path = noise.segmentor_config(folder / 'config.py', folder, more)
    return load_config(path, work_dir=folder / 'work')


def test_check_and_training_look_at_the_label_maps_of_a_config(maps, tmp_path):
    cfg = segmentor(tmp_path)
    assert texts_of(cfg) == []
    maps.edit(FAULTS['binary mask'][0])
    (text,) = texts_of(cfg)
    assert text.startswith(f'{maps.folder} (train_dataloader): label maps have 0 and')
    report = check(cfg, on_data=True)
    assert [f.check for f in report.findings] == ['annotations']
    with pytest.raises(InputError, match="'box' is never seen: save 1 instead of 255"):
        train(cfg)
    assert not (tmp_path / 'work').exists()


def test_images_of_another_suffix_are_named(maps, tmp_path):
    cfg = segmentor(
        tmp_path, "train_dataloader['dataset'] = dict(dataset, img_suffix='.jpg')"
    )
    cfg.val_dataloader.dataset.data_prefix = dict(img_path='images/val')  # no labels
    (text,) = texts_of(cfg)
    assert f'no image in {tmp_path}/images/train ends with .jpg' in text


def test_label_maps_that_a_list_leaves_out_are_no_fault(maps, tmp_path):
    (tmp_path / 'some.txt').write_text('0\n4\n')
    more = "train_dataloader['dataset'] = dict(dataset, ann_file='some.txt')"
    assert texts_of(segmentor(tmp_path, more)) == []
    (tmp_path / 'images/train/5.png').unlink()
    (text,) = texts_of(segmentor(tmp_path))
    assert 'image missing in 1 of 6 label maps (5.png)' in text


def test_the_head_says_what_is_ignored(maps, tmp_path):
    maps.edit(values(BYTES(0), BYTES(9)), 3)
    assert len(texts_of(segmentor(tmp_path))) == 1
    cfg = segmentor(tmp_path, 'model = dict(decode_head=dict(ignore_index=9))')
    assert texts_of(cfg) == []
    maps.edit(lambda image: image.point(lambda value: 255 if value else 0))
    assert 'none of 2 classes' in texts_of(cfg)[0]
