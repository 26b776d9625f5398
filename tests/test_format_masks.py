"""Masks are read as people keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import (
    SIZE,
    photograph,
    read_for,
)
from PIL import Image

from sepvit_mm.errors import InputError
from sepvit_mm.samples.formats import folders, masks


def save(path: Path, pixels: Any, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path, **more)
    return path


def stripes(*values: Any, dtype: type = np.uint8) -> np.ndarray:
    """Return a mask with a stripe of each value or colour, of nearly equal width."""
    at = np.arange(SIZE[0]) * len(values) // SIZE[0]
    return np.repeat(np.asarray(values, dtype)[at][None], SIZE[1], axis=0)


LAYOUTS = {
    'images/a.jpg': 'masks/a.png',
    'img/a.jpg': 'labels/a.png',
    'JPEGImages/a.jpg': 'SegmentationClassPNG/a.png',
    'JPEGImages/b.jpg': 'SegmentationClass/b.png',
    'images/train/a.jpg': 'masks/train/a.png',
    'train/images/a.jpg': 'train/masks/a.png',
    'train/a.jpg': 'trainannot/a.png',
    'train/c.jpg': 'train_labels/c.png',
    'images/training/a.jpg': 'annotations/training/a.png',
    'leftImg8bit/train/aachen/a_leftImg8bit.png': (
        'gtFine/train/aachen/a_gtFine_labelIds.png'
    ),
    'a.jpg': 'a_mask.png',
    'b.jpg': 'b_label.png',
    'c.jpg': 'c_seg.png',
    'd_sat.jpg': 'd_mask.png',
    'e.jpg': 'e.png',
    'train/f.JPEG': 'train/f.png',
    'images/x.jpg': 'masks/x_mask.png',
    'photographs/y.jpg': 'masks/y.png',
}


@pytest.mark.parametrize('image', LAYOUTS)
def test_masks_are_found_in_the_layouts_that_people_have(tmp_path, image):
    photograph(tmp_path / image)
    mask = save(tmp_path / LAYOUTS[image], stripes(0, 1))
    contents, _ = read_for(masks, tmp_path, 'semantic')
    (record,) = contents.records
    assert (record.image, record.mask) == (tmp_path / image, mask)
    assert record.split == ('train' if 'train' in image else None)
    assert folders.find(tmp_path) is None  # not taken for classes


def with_masks(folder: Path, *pixels: Any, suffix: str = '.png') -> Path:
    for i, each in enumerate(pixels):
        photograph(folder / f'images/{i}.jpg')
        save(folder / f'masks/{i}{suffix}', each)
    return folder


RED, BLACK = (255, 0, 0), (0, 0, 0)
NAMES = {
    'labels.txt': '__ignore__\n_background_\ncat\ndog\n',
    'class_names.txt': 'background\ncat\ndog\n',
    '_classes.csv': 'Pixel Value, Class\n0, background\n1, cat\n2, dog\n',
    'id2label.json': '{"0": "background", "1": "cat", "2": "dog"}',
    'label_map.json': '{"background": 0, "cat": 1, "dog": 2}',
    'classes.txt': 'cat\ndog\n',  # without background
}


@pytest.mark.parametrize('name', NAMES)
def test_values_have_the_names_of_a_file(tmp_path, name):
    (with_masks(tmp_path, stripes(0, 1, 2, 255)) / name).write_text(NAMES[name])
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.classes == ('background', 'cat', 'dog')
    assert contents.values == {0: 0, 1: 1, 2: 2}
    assert said['mask with the value 255'].count == 1
    has_guess = 'masks have one value more than there are names' in said
    assert has_guess == (name == 'classes.txt')


COLOURS = {
    'label_colors.txt': '0 0 0\tground\n255 0 0\tcat\n',
    'class_dict.csv': 'name,r,g,b\nground,0,0,0\ncat,255,0,0\n',
    'labelmap.txt': '# label:color_rgb:parts:actions\nground:0,0,0::\ncat:255,0,0::\n',
}


@pytest.mark.parametrize('name', COLOURS)
def test_colours_have_the_names_of_a_table(tmp_path, name):
    (with_masks(tmp_path, stripes(BLACK, RED)) / name).write_text(COLOURS[name])
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.classes == ('ground', 'cat') and not said
    assert contents.colours == {BLACK: 0, RED: 1} and contents.values == {0: 0, 1: 1}


def test_colours_without_names_are_said(tmp_path):
    contents, said = read_for(
        masks, with_masks(tmp_path, stripes(BLACK, RED)), 'semantic'
    )
    assert contents.classes == ('class_0', 'class_1')
    (fault,) = said.values()
    assert 'class_1 is (255, 0, 0)' in fault.kind.then


def test_values_without_names_are_said(tmp_path):
    with_masks(tmp_path, stripes(0, 3), stripes(0, 7))
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.classes == ('class_0', 'class_1', 'class_2')
    assert contents.values == {0: 0, 3: 1, 7: 2}
    fault = said['no file names the 3 values of masks']
    assert 'class_1 is 3' in fault.kind.then


@pytest.mark.parametrize(
    ('names', 'classes'),
    [
        ((), ('background', 'object')),
        (('crack',), ('background', 'crack')),
        (('road', 'crack'), ('road', 'crack')),
    ],
)
@pytest.mark.parametrize('smooth', [False, True])
def test_black_and_white_masks_have_two_classes(tmp_path, names, classes, smooth):
    pixels = stripes(0, 255)
    if smooth:  # as resizing with interpolation leaves it
        pixels[:, 20] = 130
    with_masks(tmp_path, pixels)
    contents, said = read_for(masks, tmp_path, 'semantic', names)
    assert contents.classes == classes
    assert contents.values[0] == 0 and contents.values[255] == 1
    assert 'masks have the values 0 and 255 only' in said
    rounded = 'mask with values between 0 and 255 at its borders'
    assert (rounded in said) == smooth
    assert not smooth or (contents.values[100], contents.values[130]) == (0, 1)


def test_jpeg_masks_in_black_and_white_are_rounded(tmp_path):
    with_masks(tmp_path, stripes(0, 255, 0), suffix='.jpg')
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.records[0].annotated and contents.values[250] == 1
    assert 'mask saved as JPEG' in said


def test_a_border_is_no_class_in_a_palette(tmp_path):
    pixels = stripes(0, 1, 255)
    image = Image.fromarray(pixels, mode='P')
    image.putpalette([*range(256)] * 3)
    photograph(tmp_path / 'images/0.jpg')
    (tmp_path / 'masks').mkdir()
    image.save(tmp_path / 'masks/0.png')
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.values == {0: 0, 1: 1} and 'mask with the value 255' in said


def test_masks_of_16_bits_and_of_one_bit_are_read(tmp_path):
    with_masks(tmp_path / 'a', stripes(0, 300, dtype=np.uint16))
    assert read_for(masks, tmp_path / 'a', 'semantic')[0].values == {0: 0, 300: 1}
    with_masks(tmp_path / 'b', stripes(False, True, dtype=np.bool_))
    assert read_for(masks, tmp_path / 'b', 'semantic')[0].values == {0: 0, 1: 1}


def test_grey_masks_among_coloured_ones_are_colours(tmp_path):
    with_masks(tmp_path, stripes(BLACK, RED), stripes(BLACK, (7, 7, 7)))
    contents, _ = read_for(masks, tmp_path, 'semantic')
    assert set(contents.colours) == {BLACK, RED, (7, 7, 7)}


def test_a_photograph_is_no_mask(tmp_path):
    with_masks(tmp_path, stripes(BLACK, RED), stripes(BLACK, RED))
    photograph(tmp_path / 'masks/1.png')
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert [record.annotated for record in contents.records] == [True, False]
    assert said['mask with more than 64 colours'].places == ('1.png',)


def test_a_grey_photograph_is_no_mask(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, SIZE[::-1]).astype(np.uint8)
    with_masks(tmp_path, stripes(0, 1), grey)
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert [record.annotated for record in contents.records] == [True, False]
    assert said['mask with more than 64 grey values'].places == ('1.png',)
    assert contents.values == {0: 0, 1: 1}


def test_too_many_colours_are_an_error(tmp_path):
    many = [(i, 0, 0) for i in range(50)], [(0, i, 9) for i in range(50)]
    with_masks(tmp_path, *(stripes(*colours) for colours in many))
    with pytest.raises(InputError, match=r'name them in class_dict\.csv'):
        read_for(masks, tmp_path, 'semantic')


def test_what_has_no_partner_is_said(tmp_path):
    with_masks(tmp_path, stripes(0, 1))
    photograph(tmp_path / 'images/unlabelled.jpg')
    save(tmp_path / 'masks/alone.png', stripes(0, 1))
    contents, said = read_for(masks, tmp_path, 'semantic')
    state = {record.image.name: record.annotated for record in contents.records}
    assert state == {'0.jpg': True, 'unlabelled.jpg': False}
    fault = said['mask without an image']
    assert (fault.count, fault.of, fault.places) == (1, 2, ('masks/alone.png',))


def test_the_masks_that_cityscapes_trains_with_are_preferred(tmp_path):
    photograph(tmp_path / 'leftImg8bit/train/a/x_leftImg8bit.png')
    own = tmp_path / 'gtFine/train/a'
    for kind in ('labelIds', 'labelTrainIds', 'instanceIds', 'color'):
        save(own / f'x_gtFine_{kind}.png', stripes(0, 1))
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert contents.records[0].mask == own / 'x_gtFine_labelTrainIds.png'
    assert said['image with several masks'].count == 1
    assert said['mask of instances, not of classes'].count == 1


def test_masks_of_instances_alone_are_an_error(tmp_path):
    photograph(tmp_path / 'JPEGImages/a.jpg')
    save(tmp_path / 'SegmentationObject/a.png', stripes(0, 1))
    with pytest.raises(InputError, match='the masks show instances, not classes'):
        read_for(masks, tmp_path, 'semantic')


def test_an_empty_mask_is_used_and_said(tmp_path):
    with_masks(tmp_path, stripes(0, 1), stripes(0))
    contents, said = read_for(masks, tmp_path, 'semantic')
    assert all(record.annotated for record in contents.records)
    assert said['mask that is 0 everywhere'].places == ('1.png',)


def test_a_broken_mask_does_not_stop_the_others(tmp_path):
    with_masks(tmp_path, stripes(0, 1), stripes(0, 1))
    (tmp_path / 'masks/1.png').write_bytes(b'no png')
    contents, _ = read_for(masks, tmp_path, 'semantic')
    assert [record.mask.name for record in contents.records] == ['0.png', '1.png']


def test_names_for_values_that_do_not_count_from_0_are_said(tmp_path):
    with_masks(tmp_path, stripes(10, 20))
    contents, said = read_for(masks, tmp_path, 'semantic', ('road', 'crack'))
    assert contents.values == {10: 0, 20: 1}
    assert 'values of masks do not count from 0' in said
