"""COCO is recognised in every layout and read, dirty or clean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import (
    coco_json,
    entry,
    only,
    read,
    said,
    splits,
    write,
)
from pycocotools import mask as pycoco

from sepvit_mm.samples.formats import coco
from sepvit_mm.samples.outlines import read_outline


@pytest.mark.parametrize(
    ('files', 'expected'),
    [
        (
            {
                'annotations/instances_train2017.json': 'a.jpg',
                'annotations/instances_val2017.json': 'a.jpg',
                'annotations/person_keypoints_val2017.json': 'a.jpg',
                'train2017/a.jpg': None,
                'val2017/a.jpg': None,
            },
            {'train2017/a.jpg': 'train', 'val2017/a.jpg': 'val'},
        ),
        (
            {
                'train/_annotations.coco.json': 'a.jpg',
                'train/a.jpg': None,
                'valid/_annotations.coco.json': 'a.jpg',
                'valid/a.jpg': None,
                'test/_annotations.coco.json': 'a.jpg',
                'test/a.jpg': None,
            },
            {'train/a.jpg': 'train', 'valid/a.jpg': 'val', 'test/a.jpg': 'test'},
        ),
        (
            {
                'annotations/instances_default.json': 'sub/a.jpg',
                'images/default/sub/a.jpg': None,
            },
            {'images/default/sub/a.jpg': None},
        ),
        (
            {
                'train.json': 'a.jpg',
                'images/train/a.jpg': None,
                'val.json': 'a.jpg',
                'images/val/a.jpg': None,
            },
            {'images/train/a.jpg': 'train', 'images/val/a.jpg': 'val'},
        ),
        ({'x.json': 'images/a.jpg', 'images/a.jpg': None}, {'images/a.jpg': None}),
        ({'x.json': '/home/me/a.jpg', 'b/A.JPG': None}, {'b/A.JPG': None}),
    ],
    ids=['coco', 'roboflow', 'cvat', 'by split', 'one file', 'from elsewhere'],
)
def test_coco_is_found_in_every_layout(
    tmp_path: Path, files: dict[str, str | None], expected: dict[str, str | None]
) -> None:
    for name, image in files.items():
        write(tmp_path, {name: coco_json(name=image) if image else ''})
    contents, faults = read(coco, tmp_path)
    assert splits(contents, tmp_path) == expected
    assert not faults
    assert contents.classes == ('cat', 'dog')
    for record in contents.records:
        assert [each.box for each in record.objects] == [(10, 20, 40, 60)]


def test_a_coco_file_can_be_given_alone(tmp_path: Path) -> None:
    write(tmp_path, {'annotations/train.json': coco_json(), 'images/a.jpg': ''})
    write(tmp_path, {'annotations/val.json': coco_json(name='b.jpg')})
    write(tmp_path, {'images/b.jpg': ''})
    contents, _ = read(coco, tmp_path / 'annotations/val.json')
    # the other image is not without annotation, but in the other file
    assert only(contents).image == tmp_path / 'images/b.jpg'


SQUARE = [10.0, 20.0, 40.0, 20.0, 40.0, 60.0]


@pytest.mark.parametrize(
    ('fields', 'what'),
    [
        ({'image_id': 9}, 'image_id missing or unknown'),
        ({'image_id': ...}, 'image_id missing or unknown'),
        ({'category_id': 9}, 'category_id missing or unknown'),
        ({'bbox': ...}, 'bbox missing or not four numbers'),
        ({'bbox': [1, 2, 3]}, 'bbox missing or not four numbers'),
        ({'bbox': 'x'}, 'bbox missing or not four numbers'),
        ({'ignore': 1}, 'object that the file says to ignore'),
    ],
)
def test_a_bad_coco_annotation_is_left_out_and_said(
    tmp_path: Path, fields: dict[str, Any], what: str
) -> None:
    text = coco_json(entry(), entry(id=7, **fields))
    write(tmp_path, {'x.json': text, 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert len(only(contents).objects) == 1
    assert said(faults) == {what: ('x.json: id 7',)}


@pytest.mark.parametrize(
    ('fields', 'what', 'polygons'),
    [
        ({'iscrowd': ...}, 'iscrowd missing', 0),
        ({'iscrowd': 5}, 'iscrowd neither 0 nor 1', 0),
        (
            {'bbox': ..., 'segmentation': [SQUARE]},
            'bbox missing or not four numbers',
            1,
        ),
        (
            {'segmentation': SQUARE},
            'segmentation is one list of numbers, not a list of polygons',
            1,
        ),
        (
            {'segmentation': [SQUARE, SQUARE[:5]]},
            'polygon with an odd number of values',
            1,
        ),
        (
            {'segmentation': [SQUARE, [1, 2, 'x', 4, 5, 6]]},
            'polygon with a value that is no number',
            1,
        ),
        ({'segmentation': 'x'}, 'segmentation neither polygons nor RLE', 0),
        (
            {'segmentation': {'size': [80, 100]}},
            'segmentation neither polygons nor RLE',
            0,
        ),
        (
            {'segmentation': {'size': [80, 100], 'counts': [5, 5]}},
            'RLE whose runs do not fill its size',
            0,
        ),
        (
            {'segmentation': {'size': [80, 100], 'counts': 'zz'}},
            'RLE whose runs do not fill its size',
            0,
        ),
        (
            {'segmentation': {'size': [100, 80], 'counts': [8000]}},
            "RLE of another size than its image's",
            0,
        ),
    ],
)
def test_what_can_be_used_of_a_coco_annotation_is_used(
    tmp_path: Path, fields: dict[str, Any], what: str, polygons: int
) -> None:
    write(tmp_path, {'x.json': coco_json(entry(id=7, **fields)), 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    (each,) = only(contents).objects
    assert each.box == (10, 20, 40, 60)
    assert not each.crowd
    assert each.polygons == (tuple(SQUARE),) * polygons
    assert said(faults) == {what: ('x.json: id 7',)}


def test_run_lengths_are_read_in_both_kinds() -> None:
    pixels = np.zeros((8, 9), np.uint8)
    pixels[2:5, 3:8] = pixels[6, 1] = 1
    text = pycoco.encode(np.asfortranarray(pixels))
    text = {'size': text['size'], 'counts': text['counts'].decode()}
    flat = pixels.T.ravel()
    ends = [*(np.flatnonzero(np.diff(flat)) + 1), flat.size]
    plain = {'size': [8, 9], 'counts': np.diff([0, *ends]).tolist()}
    for rle in (text, plain):
        outline = read_outline(rle, (9, 8))
        assert not outline.kinds
        assert outline.rle == rle
        assert outline.box() == (1, 2, 8, 7)
    # a damaged text is found before pycocotools decodes it
    for counts in (text['counts'][:-1], text['counts'] + '1', 'é'):
        outline = read_outline({**text, 'counts': counts}, (9, 8))
        assert outline.rle is None
        assert outline.kinds


@pytest.mark.parametrize(
    ('categories', 'classes', 'what', 'place'),
    [
        (['cat:0', 'dog:1'], ('cat', 'dog'), 'category ids from 0', 'x.json'),
        (['dog:7', 'cat:1'], ('cat', 'dog'), 'category ids with gaps', 'x.json'),
        (
            ['cat:1', 'cat :2'],
            ('cat',),
            'category with the name of another',
            "x.json: 'cat '",
        ),
        (
            ['cat:1', 'dog:1'],
            ('cat',),
            'category with the id of another',
            "x.json: 'dog'",
        ),
        (['cat:1', ':2'], ('cat',), 'category without id or name', 'x.json: 2'),
    ],
)
def test_odd_coco_categories_are_said(
    tmp_path: Path,
    categories: list[str],
    classes: tuple[str, ...],
    what: str,
    place: str,
) -> None:
    pairs = [each.split(':') for each in categories]
    entries = [dict(id=int(own), name=name) for name, own in pairs]
    write(tmp_path, {'x.json': coco_json(categories=entries), 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert contents.classes == classes
    assert said(faults) == {what: (place,)}


def test_a_category_that_only_groups_others_is_left_out(tmp_path: Path) -> None:
    categories = [
        dict(id=0, name='pets', supercategory='none'),
        dict(id=1, name='cat', supercategory='pets'),
        dict(id=2, name='dog', supercategory='pets'),
    ]
    write(tmp_path, {'x.json': coco_json(categories=categories), 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert contents.classes == ('cat', 'dog')
    what = 'category that only groups the others and has no annotation'
    assert said(faults)[what] == ('x.json: pets',)
    # but a class with annotations is one
    text = coco_json(entry(category_id=0), categories=categories)
    write(tmp_path, {'x.json': text})
    assert read(coco, tmp_path)[0].classes == ('pets', 'cat', 'dog')


@pytest.mark.parametrize(
    ('images', 'what'),
    [
        ([dict(id=2)], 'image without id or file_name'),
        ([dict(file_name='b.jpg')], 'image without id or file_name'),
        ([dict(id=1, file_name='b.jpg')], 'image with the id of another'),
        ([dict(id=2, file_name='c.jpg')], 'image of which several files have the name'),
        ([dict(id=2, file_name='a.jpg')], 'image listed more than once'),
    ],
)
def test_odd_coco_images_are_said(
    tmp_path: Path, images: list[dict[str, Any]], what: str
) -> None:
    text = coco_json(images=[dict(id=1, file_name='a.jpg'), *images])
    write(tmp_path, {'x.json': text, 'a.jpg': '', 'p/c.jpg': '', 'q/c.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert only(contents).image == tmp_path / 'a.jpg'
    assert len(only(contents).objects) == 1
    assert [*said(faults)] == [what]


def test_coco_files_of_one_split_are_merged(tmp_path: Path) -> None:
    dogs = [dict(id=1, name='dog')]
    write(tmp_path, {'train_cats.json': coco_json(categories=[dict(id=1, name='cat')])})
    write(tmp_path, {'train_dogs.json': coco_json(categories=dogs), 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert [each.label for each in only(contents).objects] == ['cat', 'dog']
    assert said(faults) == {'image listed more than once': ('a.jpg',)}


def test_a_broken_coco_file_does_not_end_the_others(tmp_path: Path) -> None:
    write(
        tmp_path, {'train.json': coco_json(), 'a.jpg': '', 'val.json': coco_json()[:-9]}
    )
    contents, (fault,) = read(coco, tmp_path)
    assert only(contents).split == 'train'
    assert fault.kind.what.startswith('json file is not JSON')
    assert fault.places == ('val.json',)


def test_a_coco_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write(tmp_path, {'x.json': b'\xef\xbb\xbf' + coco_json().encode(), 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert len(only(contents).objects) == 1
    assert not faults


def test_boxes_that_must_be_corners_are_taken_as_such(tmp_path: Path) -> None:
    boxes = [[60, 40, 90, 70], [50, 10, 99, 30]]
    text = coco_json(*(entry(id=i, bbox=box) for i, box in enumerate(boxes)))
    write(tmp_path, {'x.json': text, 'a.jpg': ''})
    contents, faults = read(coco, tmp_path)
    assert [list(each.box) for each in only(contents).objects] == boxes
    assert [*said(faults)] == [coco.CORNERS.what]
    # of one box in many that reaches outside, this does not follow
    small = [entry(id=i, bbox=[10, 10, 20, 20]) for i in range(9)]
    write(tmp_path, {'x.json': coco_json(*small, entry(bbox=[60, 40, 90, 70]))})
    contents, faults = read(coco, tmp_path)
    assert only(contents).objects[0].box == (10, 10, 30, 30)
    assert [*said(faults)] == [coco.PERHAPS_CORNERS.what]
