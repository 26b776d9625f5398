"""LabelMe's json, masks and class folders are read as people keep them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sepvit_mm.annotations.fault import Tally
from sepvit_mm.errors import InputError
from sepvit_mm.samples.formats import folders, labelme, masks
from sepvit_mm.samples.record import Contents

SIZE = (40, 30)


def photograph(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def read(module: Any, data: Path, task: str, names: tuple[str, ...] = ()) -> Any:
    """Return what a format reads, and what it says by what is wrong."""
    found = module.find(data, names)
    assert found is not None
    tally = Tally()
    contents = module.read(found, task, tally)
    faults = tally.faults(contents.totals)
    return contents, {f.kind.what: f for f in faults}


# LabelMe ------------------------------------------------------------------------------


def shape(points: Any, label: Any = 'cat', kind: Any = 'polygon', **more: Any) -> dict:
    return dict(dict(label=label, points=points, shape_type=kind), **more)


TRIANGLE = [[1, 2], [11, 2], [1, 12]]
CORNERS = [[20, 15], [10, 5]]


def annotate(path: Path, *shapes: Any, image: bool = True, **more: Any) -> Path:
    if image:
        photograph(path.with_suffix('.jpg'))
    path.parent.mkdir(parents=True, exist_ok=True)
    content = dict(version='5.5.0', flags={}, shapes=list(shapes), imageData=None)
    content |= dict(imagePath=f'{path.stem}.jpg', imageHeight=30, imageWidth=40)
    path.write_text(json.dumps(content | more), encoding='utf-8')
    return path


def objects(contents: Contents) -> list:
    return [each for record in contents.records for each in record.objects]


def mask_png(height: int, width: int) -> str:
    buffer = io.BytesIO()
    pixels = np.zeros((height, width), np.uint8)
    pixels[0] = 255
    Image.fromarray(pixels).save(buffer, format='PNG')
    return base64.b64encode(buffer.getvalue()).decode()


def test_shapes_are_objects_in_pixels(tmp_path):
    annotate(
        tmp_path / 'a.json',
        shape(TRIANGLE),
        shape(CORNERS, 'dog', 'rectangle'),
        shape([[20, 15], [25, 15]], 'bird', 'circle'),
        shape(TRIANGLE, 'old', None),
        shape([[4, 6], [7, 10]], 'drawn', 'mask', mask=mask_png(5, 4)),
    )
    contents, said = read(labelme, tmp_path, 'instance')
    (record,) = contents.records
    assert record.image == tmp_path / 'a.jpg' and record.size == SIZE
    triangle, rectangle, circle, old, drawn = record.objects
    assert triangle.box == old.box == (1, 2, 11, 12)
    assert triangle.polygons == ((1, 2, 11, 2, 1, 12),)
    assert rectangle.box == (10, 5, 20, 15)
    assert rectangle.polygons == ((10, 5, 20, 5, 20, 15, 10, 15),)
    assert circle.box == pytest.approx((15, 10, 25, 20), abs=0.1)
    assert len(circle.polygons[0]) == 2 * 36
    from pycocotools import mask as coco

    pixels = coco.decode(drawn.rle)
    assert pixels.shape == (30, 40) and pixels.sum() == 4 and pixels[6, 4:8].all()
    assert drawn.box == (4, 6, 8, 11)
    assert contents.classes == ('bird', 'cat', 'dog', 'drawn', 'old')
    assert set(said) == {'rectangle', 'circle'}
    assert str(said['rectangle']) == (
        'rectangle in 1 of 5 shapes (a.json): used as an outline with four corners'
    )


WRONG_SHAPES = {
    'shape of type point': shape([[1, 2]], kind='point'),
    'shape of type line': shape([[1, 2], [3, 4]], kind='line'),
    'shape of type linestrip': shape(TRIANGLE, kind='linestrip'),
    'polygon with fewer than three points': shape([[1, 2], [3, 4]]),
    'shape without a label': shape(TRIANGLE, label='  '),
    'shape with the label __ignore__': shape(TRIANGLE, label='__ignore__'),
    'shape with the label _background_': shape(TRIANGLE, label='_background_'),
    'shape without valid points': shape([[1, 'x'], [3, 4], [5, 6]]),
    'mask that is broken or does not fit its box': shape(
        [[4, 6], [7, 10]], kind='mask', mask=mask_png(9, 9)
    ),
}
STRANGE_SHAPES = [
    None,
    'text',
    {'label': 'cat'},
    shape([]),
    shape([[float('nan'), 1], [2, 2], [3, 1]]),
    shape([[1, 1]], kind='rectangle'),
    shape(TRIANGLE, kind='circle'),
]


@pytest.mark.parametrize('what', WRONG_SHAPES)
def test_a_wrong_shape_is_said_and_left_out(tmp_path, what):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), WRONG_SHAPES[what])
    contents, said = read(labelme, tmp_path, 'detection')
    assert len(objects(contents)) == 1
    assert [(f.count, f.of, f.places) for f in said.values()] == [(1, 2, ('a.json',))]
    assert what in said and 'left out' in said[what].kind.then


@pytest.mark.parametrize('strange', STRANGE_SHAPES, ids=str)
def test_what_is_no_shape_is_left_out(tmp_path, strange):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), strange)
    contents, said = read(labelme, tmp_path, 'detection')
    assert len(objects(contents)) == 1 and set(said) == {'shape without valid points'}


def test_a_broken_mask_is_left_out(tmp_path):
    for i, mask in enumerate(('%%%', base64.b64encode(b'no png').decode(), 7, None)):
        annotate(tmp_path / f'{i}.json', shape(CORNERS, kind='mask', mask=mask))
    contents, said = read(labelme, tmp_path, 'instance')
    assert not objects(contents)
    assert said['mask that is broken or does not fit its box'].count == 4


def test_blanks_around_a_label_are_removed(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE, ' cat '), shape(TRIANGLE, 7))
    contents, said = read(labelme, tmp_path, 'detection')
    assert contents.classes == ('7', 'cat')
    assert said['label with blanks around it'].count == 1


def test_parts_of_a_group_are_one_object(tmp_path):
    part = [[20, 20], [30, 20], [30, 29]]
    mask = shape([[4, 6], [7, 10]], kind='mask', mask=mask_png(5, 4), group_id=2)
    annotate(
        tmp_path / 'a.json',
        shape(TRIANGLE, group_id=1),
        shape(part, group_id=1),
        shape(part, 'dog', group_id=1),
        shape(part),
        shape(part, group_id=2),
        mask,
    )
    contents, _ = read(labelme, tmp_path, 'instance')
    whole, dog, alone, mixed = objects(contents)
    assert len(whole.polygons) == 2 and whole.box == (1, 2, 30, 29)
    assert dog.label == 'dog' and len(alone.polygons) == 1
    assert mixed.polygons == () and mixed.box == (4, 6, 30, 29)
    from pycocotools import mask as coco

    assert coco.decode(mixed.rle)[6, 4] and coco.decode(mixed.rle)[22, 28]
    # drawn one by one, in the order of the file
    assert len(objects(read(labelme, tmp_path, 'semantic')[0])) == 6


def test_background_that_is_drawn_over_objects_stays(tmp_path):
    ground = shape(CORNERS, '_background_', 'rectangle')
    annotate(tmp_path / 'a.json', shape(TRIANGLE), ground)
    contents, _ = read(labelme, tmp_path, 'semantic')
    assert [each.label for each in objects(contents)] == ['cat', 'background']


WRONG_FILES = {
    'json file that is broken': '{"shapes": [',
    "json file that is not LabelMe's": '{"images": [], "annotations": []}',
    'json file whose shapes are no list': '{"shapes": {}, "imagePath": "b.jpg"}',
}


@pytest.mark.parametrize('what', WRONG_FILES)
def test_a_wrong_file_is_said_and_the_others_are_read(tmp_path, what):
    annotate(tmp_path / 'a.json', shape(TRIANGLE))
    photograph(tmp_path / 'b.jpg')
    (tmp_path / 'b.json').write_text(WRONG_FILES[what])
    contents, said = read(labelme, tmp_path, 'detection')
    assert [(f.count, f.of, f.places) for f in said.values()] == [(1, 2, ('b.json',))]
    assert what in said
    state = {record.image.name: record.annotated for record in contents.records}
    assert state == {'a.jpg': True, 'b.jpg': False}


def test_no_shapes_are_an_image_of_background(tmp_path):
    annotate(tmp_path / 'a.json')
    contents, said = read(labelme, tmp_path, 'detection')
    assert contents.records[0].annotated and not objects(contents) and not said


@pytest.mark.parametrize(
    'path',
    [
        '..\\images\\a.jpg',
        'C:\\Users\\me\\data\\a.jpg',
        '/home/me/a.jpg',
        '../images/a.jpg',
        'A.JPG',
    ],
)
def test_an_image_is_found_whatever_its_path_was(tmp_path, path):
    image = photograph(tmp_path / 'images/a.jpg')
    annotate(tmp_path / 'json/a.json', shape(TRIANGLE), image=False, imagePath=path)
    contents, said = read(labelme, tmp_path, 'detection')
    assert [record.image for record in contents.records] == [image] and not said


def test_an_image_is_found_by_the_name_of_its_json(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), imagePath='before.jpg')
    contents, said = read(labelme, tmp_path, 'detection')
    assert contents.records[0].image == tmp_path / 'a.jpg'
    assert set(said) == {'json file whose imagePath does not exist'}


def test_of_two_images_with_the_name_none_is_guessed(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), imagePath='before.jpg')
    photograph(tmp_path / 'a.png')
    _, said = read(labelme, tmp_path, 'detection')
    assert set(said) == {'json file that several images fit'}


def test_an_image_only_inside_its_json_is_said(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), image=False, imageData='aaaa')
    contents, said = read(labelme, tmp_path, 'detection')
    assert not contents.records[0].image.exists()
    assert set(said) == {'image only inside its json file, as imageData'}


def test_folders_are_splits_and_decide_between_equal_names(tmp_path):
    for split in ('train', 'val'):
        annotate(tmp_path / split / 'a.json', shape(TRIANGLE))
    contents, _ = read(labelme, tmp_path, 'detection')
    assert {(r.split, r.image) for r in contents.records} == {
        (split, tmp_path / split / 'a.jpg') for split in ('train', 'val')
    }


def test_a_file_of_names_orders_classes(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE, 'cat'), shape(TRIANGLE, 'zebra'))
    names = '__ignore__\n_background_\nzebra\nunused\n'
    (tmp_path / 'labels.txt').write_text(names)
    contents, said = read(labelme, tmp_path, 'detection')
    assert contents.classes == ('zebra', 'unused', 'cat')
    fault = said['class that the file of names does not have']
    assert fault.places == ('cat',) and fault.of == 3
    given, _ = read(labelme, tmp_path, 'detection', ('cat', 'zebra'))
    assert given.classes == ('cat', 'zebra')


def test_flags_are_classes_of_images(tmp_path):
    flags = (dict(cat=True, dog=False), dict(cat=True, dog=True), {}, dict(dog=True))
    for i, each in enumerate(flags):
        annotate(tmp_path / f'{i}.json', flags=each)
    contents, said = read(labelme, tmp_path, 'classification')
    labels = [record.label for record in contents.records]
    assert labels == ['cat', None, None, 'dog'] and contents.classes == ('cat', 'dog')
    assert said['json file with several flags that are set'].places == ('1.json',)
    assert said['json file without a flag that is set'].places == ('2.json',)


def test_classification_without_flags_is_an_error(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE))
    with pytest.raises(InputError, match='no json file of LabelMe has a flag'):
        read(labelme, tmp_path, 'classification')


# masks --------------------------------------------------------------------------------


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
    'images/x.jpg': 'masks/x_mask.png',
    'photographs/y.jpg': 'masks/y.png',
}


@pytest.mark.parametrize('image', LAYOUTS)
def test_masks_are_found_in_the_layouts_that_people_have(tmp_path, image):
    photograph(tmp_path / image)
    mask = save(tmp_path / LAYOUTS[image], stripes(0, 1))
    contents, _ = read(masks, tmp_path, 'semantic')
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
    contents, said = read(masks, tmp_path, 'semantic')
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
    contents, said = read(masks, tmp_path, 'semantic')
    assert contents.classes == ('ground', 'cat') and not said
    assert contents.colours == {BLACK: 0, RED: 1} and contents.values == {0: 0, 1: 1}


def test_colours_without_names_are_said(tmp_path):
    contents, said = read(masks, with_masks(tmp_path, stripes(BLACK, RED)), 'semantic')
    assert contents.classes == ('class_0', 'class_1')
    (fault,) = said.values()
    assert 'class_1 is (255, 0, 0)' in fault.kind.then


def test_values_without_names_are_said(tmp_path):
    with_masks(tmp_path, stripes(0, 3), stripes(0, 7))
    contents, said = read(masks, tmp_path, 'semantic')
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
    contents, said = read(masks, tmp_path, 'semantic', names)
    assert contents.classes == classes
    assert contents.values[0] == 0 and contents.values[255] == 1
    assert 'masks have the values 0 and 255 only' in said
    rounded = 'mask with values between 0 and 255 at its borders'
    assert (rounded in said) == smooth
    assert not smooth or (contents.values[100], contents.values[130]) == (0, 1)


def test_jpeg_masks_in_black_and_white_are_rounded(tmp_path):
    with_masks(tmp_path, stripes(0, 255, 0), suffix='.jpg')
    contents, said = read(masks, tmp_path, 'semantic')
    assert contents.records[0].annotated and contents.values[250] == 1
    assert 'mask saved as JPEG' in said


def test_a_border_is_no_class_in_a_palette(tmp_path):
    pixels = stripes(0, 1, 255)
    image = Image.fromarray(pixels, mode='P')
    image.putpalette([*range(256)] * 3)
    photograph(tmp_path / 'images/0.jpg')
    (tmp_path / 'masks').mkdir()
    image.save(tmp_path / 'masks/0.png')
    contents, said = read(masks, tmp_path, 'semantic')
    assert contents.values == {0: 0, 1: 1} and 'mask with the value 255' in said


def test_masks_of_16_bits_and_of_one_bit_are_read(tmp_path):
    with_masks(tmp_path / 'a', stripes(0, 300, dtype=np.uint16))
    assert read(masks, tmp_path / 'a', 'semantic')[0].values == {0: 0, 300: 1}
    with_masks(tmp_path / 'b', stripes(False, True, dtype=np.bool_))
    assert read(masks, tmp_path / 'b', 'semantic')[0].values == {0: 0, 1: 1}


def test_grey_masks_among_coloured_ones_are_colours(tmp_path):
    with_masks(tmp_path, stripes(BLACK, RED), stripes(BLACK, (7, 7, 7)))
    contents, _ = read(masks, tmp_path, 'semantic')
    assert set(contents.colours) == {BLACK, RED, (7, 7, 7)}


def test_a_photograph_is_no_mask(tmp_path):
    with_masks(tmp_path, stripes(BLACK, RED), stripes(BLACK, RED))
    photograph(tmp_path / 'masks/1.png')
    contents, said = read(masks, tmp_path, 'semantic')
    assert [record.annotated for record in contents.records] == [True, False]
    assert said['mask with more than 64 colours'].places == ('1.png',)


def test_a_grey_photograph_is_no_mask(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, SIZE[::-1]).astype(np.uint8)
    with_masks(tmp_path, stripes(0, 1), grey)
    contents, said = read(masks, tmp_path, 'semantic')
    assert [record.annotated for record in contents.records] == [True, False]
    assert said['mask with more than 64 grey values'].places == ('1.png',)
    assert contents.values == {0: 0, 1: 1}


def test_too_many_colours_are_an_error(tmp_path):
    many = [(i, 0, 0) for i in range(50)], [(0, i, 9) for i in range(50)]
    with_masks(tmp_path, *(stripes(*colours) for colours in many))
    with pytest.raises(InputError, match=r'name them in class_dict\.csv'):
        read(masks, tmp_path, 'semantic')


def test_what_has_no_partner_is_said(tmp_path):
    with_masks(tmp_path, stripes(0, 1))
    photograph(tmp_path / 'images/unlabelled.jpg')
    save(tmp_path / 'masks/alone.png', stripes(0, 1))
    contents, said = read(masks, tmp_path, 'semantic')
    state = {record.image.name: record.annotated for record in contents.records}
    assert state == {'0.jpg': True, 'unlabelled.jpg': False}
    fault = said['mask without an image']
    assert (fault.count, fault.of, fault.places) == (1, 2, ('masks/alone.png',))


def test_the_masks_that_cityscapes_trains_with_are_preferred(tmp_path):
    photograph(tmp_path / 'leftImg8bit/train/a/x_leftImg8bit.png')
    own = tmp_path / 'gtFine/train/a'
    for kind in ('labelIds', 'labelTrainIds', 'instanceIds', 'color'):
        save(own / f'x_gtFine_{kind}.png', stripes(0, 1))
    contents, said = read(masks, tmp_path, 'semantic')
    assert contents.records[0].mask == own / 'x_gtFine_labelTrainIds.png'
    assert said['image with several masks'].count == 1
    assert said['mask of instances, not of classes'].count == 1


def test_masks_of_instances_alone_are_an_error(tmp_path):
    photograph(tmp_path / 'JPEGImages/a.jpg')
    save(tmp_path / 'SegmentationObject/a.png', stripes(0, 1))
    with pytest.raises(InputError, match='the masks show instances, not classes'):
        read(masks, tmp_path, 'semantic')


def test_an_empty_mask_is_used_and_said(tmp_path):
    with_masks(tmp_path, stripes(0, 1), stripes(0))
    contents, said = read(masks, tmp_path, 'semantic')
    assert all(record.annotated for record in contents.records)
    assert said['mask that is 0 everywhere'].places == ('1.png',)


def test_a_broken_mask_does_not_stop_the_others(tmp_path):
    with_masks(tmp_path, stripes(0, 1), stripes(0, 1))
    (tmp_path / 'masks/1.png').write_bytes(b'no png')
    contents, _ = read(masks, tmp_path, 'semantic')
    assert [record.mask.name for record in contents.records] == ['0.png', '1.png']


def test_names_for_values_that_do_not_count_from_0_are_said(tmp_path):
    with_masks(tmp_path, stripes(10, 20))
    contents, said = read(masks, tmp_path, 'semantic', ('road', 'crack'))
    assert contents.values == {10: 0, 20: 1}
    assert 'values of masks do not count from 0' in said


# class folders ------------------------------------------------------------------------

CLASSES = {
    'plain': ('cat/0.jpg', 'dog/1.jpg'),
    'nested': ('cat/indoor/0.jpg', 'dog/1.jpg'),
    'in a folder': ('data/cat/0.jpg', 'data/dog/1.jpg'),
    'splits': ('train/cat/0.jpg', 'train/dog/1.jpg', 'val/cat/2.jpg', 'val/dog/3.jpg'),
    'splits in a folder': ('x/train/cat/0.jpg', 'x/test/dog/1.jpg'),
}


@pytest.mark.parametrize('layout', CLASSES)
def test_a_folder_is_the_class_of_its_images(tmp_path, layout):
    for name in CLASSES[layout]:
        photograph(tmp_path / name)
    contents, _ = read(folders, tmp_path, 'classification')
    assert contents.classes == ('cat', 'dog')
    for record in contents.records:
        parts = record.image.relative_to(tmp_path).parts
        assert record.label in parts
        splits = [part for part in parts if part in ('train', 'val', 'test')]
        assert record.split == (splits[0] if splits else None)


def test_a_class_may_be_named_as_a_split(tmp_path):
    for name in ('train/0.jpg', 'car/1.jpg'):
        photograph(tmp_path / name)
    contents, _ = read(folders, tmp_path, 'classification')
    assert contents.classes == ('car', 'train')
    assert {record.split for record in contents.records} == {None}


def test_what_is_odd_about_class_folders_is_said(tmp_path):
    for name in (*CLASSES['splits'], 'train/bird/9.jpg', 'train/beside.jpg'):
        photograph(tmp_path / name)
    (tmp_path / 'val/empty').mkdir()
    contents, said = read(folders, tmp_path, 'classification')
    assert len(contents.records) == 5
    assert {what: fault.places for what, fault in said.items()} == {
        'image beside the class folders': ('train/beside.jpg',),
        'class folder without images': ('val/empty',),
        'class without images for val': ('bird',),
    }
    assert said['class folder without images'].of == 4


def test_one_class_is_an_error(tmp_path):
    photograph(tmp_path / 'cat/0.jpg')
    with pytest.raises(InputError, match='a folder for each of at least two classes'):
        read(folders, tmp_path, 'classification')


OTHERS = {
    'no folders': (),
    'COCO': ('annotations/a.json', '{"images": [], "annotations": []}'),
    'LabelMe': ('cat/0.json', '{"shapes": [], "imagePath": "0.jpg"}'),
    'VOC': ('cat/0.xml', '<annotation/>'),
    'YOLO': ('labels/0.txt', '0 0.5 0.5 0.1 0.1'),
    'data.yaml': ('data.yaml', 'names: [cat]'),
}


@pytest.mark.parametrize('other', OTHERS)
def test_images_with_other_annotations_are_no_class_folders(tmp_path, other):
    if OTHERS[other]:
        photograph(tmp_path / 'cat/0.jpg')
        photograph(tmp_path / 'dog/1.jpg')
        name, text = OTHERS[other]
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    photograph(tmp_path / '2.jpg')
    assert folders.find(tmp_path) is None
    assert masks.find(tmp_path) is None
    assert (labelme.find(tmp_path) is None) == (other != 'LabelMe')


@pytest.mark.parametrize('name', ['images', 'train/images'])
def test_a_folder_of_images_is_no_class(tmp_path, name):
    photograph(tmp_path / name / '0.jpg')
    assert folders.find(tmp_path) is None
