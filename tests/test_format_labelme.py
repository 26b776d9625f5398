"""LabelMe's json is read as people keep it."""

from __future__ import annotations

import base64
import io
import json
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
from sepvit_mm.samples.formats import labelme
from sepvit_mm.samples.record import Contents


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
    contents, said = read_for(labelme, tmp_path, 'instance')
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
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert len(objects(contents)) == 1
    assert [(f.count, f.of, f.places) for f in said.values()] == [(1, 2, ('a.json',))]
    assert what in said and 'left out' in said[what].kind.then


@pytest.mark.parametrize('strange', STRANGE_SHAPES, ids=str)
def test_what_is_no_shape_is_left_out(tmp_path, strange):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), strange)
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert len(objects(contents)) == 1 and set(said) == {'shape without valid points'}


def test_a_broken_mask_is_left_out(tmp_path):
    for i, mask in enumerate(('%%%', base64.b64encode(b'no png').decode(), 7, None)):
        annotate(tmp_path / f'{i}.json', shape(CORNERS, kind='mask', mask=mask))
    contents, said = read_for(labelme, tmp_path, 'instance')
    assert not objects(contents)
    assert said['mask that is broken or does not fit its box'].count == 4


def test_blanks_around_a_label_are_removed(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE, ' cat '), shape(TRIANGLE, 7))
    contents, said = read_for(labelme, tmp_path, 'detection')
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
    contents, _ = read_for(labelme, tmp_path, 'instance')
    whole, dog, alone, mixed = objects(contents)
    assert len(whole.polygons) == 2 and whole.box == (1, 2, 30, 29)
    assert dog.label == 'dog' and len(alone.polygons) == 1
    assert mixed.polygons == () and mixed.box == (4, 6, 30, 29)
    from pycocotools import mask as coco

    assert coco.decode(mixed.rle)[6, 4] and coco.decode(mixed.rle)[22, 28]
    # drawn one by one, in the order of the file
    assert len(objects(read_for(labelme, tmp_path, 'semantic')[0])) == 6


def test_background_that_is_drawn_over_objects_stays(tmp_path):
    ground = shape(CORNERS, '_background_', 'rectangle')
    annotate(tmp_path / 'a.json', shape(TRIANGLE), ground)
    contents, _ = read_for(labelme, tmp_path, 'semantic')
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
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert [(f.count, f.of, f.places) for f in said.values()] == [(1, 2, ('b.json',))]
    assert what in said
    state = {record.image.name: record.annotated for record in contents.records}
    assert state == {'a.jpg': True, 'b.jpg': False}


def test_no_shapes_are_an_image_of_background(tmp_path):
    annotate(tmp_path / 'a.json')
    contents, said = read_for(labelme, tmp_path, 'detection')
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
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert [record.image for record in contents.records] == [image] and not said


def test_an_image_is_found_by_the_name_of_its_json(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), imagePath='before.jpg')
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert contents.records[0].image == tmp_path / 'a.jpg'
    assert set(said) == {'json file whose imagePath does not exist'}


def test_of_two_images_with_the_name_none_is_guessed(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), imagePath='before.jpg')
    photograph(tmp_path / 'a.png')
    _, said = read_for(labelme, tmp_path, 'detection')
    assert set(said) == {'json file that several images fit'}


def test_an_image_only_inside_its_json_is_said(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE), image=False, imageData='aaaa')
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert not contents.records[0].image.exists()
    assert set(said) == {'image only inside its json file, as imageData'}


def test_folders_are_splits_and_decide_between_equal_names(tmp_path):
    for split in ('train', 'val'):
        annotate(tmp_path / split / 'a.json', shape(TRIANGLE))
    contents, _ = read_for(labelme, tmp_path, 'detection')
    assert {(r.split, r.image) for r in contents.records} == {
        (split, tmp_path / split / 'a.jpg') for split in ('train', 'val')
    }


def test_a_file_of_names_orders_classes(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE, 'cat'), shape(TRIANGLE, 'zebra'))
    names = '__ignore__\n_background_\nzebra\nunused\n'
    (tmp_path / 'labels.txt').write_text(names)
    contents, said = read_for(labelme, tmp_path, 'detection')
    assert contents.classes == ('zebra', 'unused', 'cat')
    fault = said['class that the file of names does not have']
    assert fault.places == ('cat',) and fault.of == 3
    given, _ = read_for(labelme, tmp_path, 'detection', ('cat', 'zebra'))
    assert given.classes == ('cat', 'zebra')


def test_flags_are_classes_of_images(tmp_path):
    flags = (dict(cat=True, dog=False), dict(cat=True, dog=True), {}, dict(dog=True))
    for i, each in enumerate(flags):
        annotate(tmp_path / f'{i}.json', flags=each)
    contents, said = read_for(labelme, tmp_path, 'classification')
    labels = [record.label for record in contents.records]
    assert labels == ['cat', None, None, 'dog'] and contents.classes == ('cat', 'dog')
    assert said['json file with several flags that are set'].places == ('1.json',)
    assert said['json file without a flag that is set'].places == ('2.json',)


def test_classification_without_flags_is_an_error(tmp_path):
    annotate(tmp_path / 'a.json', shape(TRIANGLE))
    with pytest.raises(InputError, match='no json file of LabelMe has a flag'):
        read_for(labelme, tmp_path, 'classification')
