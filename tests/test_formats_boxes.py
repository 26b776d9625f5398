"""COCO, Pascal VOC and YOLO are recognised in every layout and read, dirty or clean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as pycoco

from sepvit_mm.annotations.fault import Fault, Tally
from sepvit_mm.samples.files import Index, files_below, read_text, split_of
from sepvit_mm.samples.formats import coco, voc, yolo
from sepvit_mm.samples.outlines import read_outline
from sepvit_mm.samples.record import Contents, Record

Files = dict[str, str | bytes]


def write(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def read(
    module: Any, data: Path, names: tuple[str, ...] = ()
) -> tuple[Contents, list[Fault]]:
    found = module.find(data, names)
    assert found is not None
    tally = Tally()
    contents = module.read(found, 'instance', tally)
    return contents, tally.faults({})


def only(contents: Contents) -> Record:
    assert len(contents.records) == 1, contents.records
    return contents.records[0]


def said(faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    return {fault.kind.what: fault.places for fault in faults}


def splits(contents: Contents, root: Path) -> dict[str, str | None]:
    return {
        record.image.relative_to(root).as_posix(): record.split
        for record in contents.records
        if record.annotated
    }


# Files


@pytest.mark.parametrize(
    ('path', 'split'),
    [
        ('annotations/instances_train2017.json', 'train'),
        ('valid/_annotations.coco.json', 'val'),
        ('images/Test', 'test'),
        ('training-set/a.json', 'train'),
        ('annotations/instances_default.json', None),
        ('train_val.json', None),
        ('trainval.json', None),
        ('latest/contest.json', None),
        ('train/val.json', 'val'),
    ],
)
def test_a_split_is_a_word_of_a_name(path: str, split: str | None) -> None:
    assert split_of(path) == split


@pytest.mark.parametrize(
    'content', [b'\xef\xbb\xbfM\xc3\xbcll', 'Müll'.encode('utf-16'), b'M\xfcll']
)
def test_text_is_read_in_its_encoding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'a').write_bytes(content)
    assert read_text(tmp_path / 'a') == 'Müll'


def test_hidden_files_are_no_data(tmp_path: Path) -> None:
    write(tmp_path, {'.DS_Store': '', '._a.jpg': '', '.git/a.jpg': '', 'b/a.jpg': ''})
    assert files_below(tmp_path) == [tmp_path / 'b/a.jpg']


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('a.jpg', ['x/a.jpg', 'y/A.JPG']),
        ('y/a.jpg', ['y/A.JPG']),
        (r'C:\data\x\a.jpg', ['x/a.jpg']),
        ('/home/me/b.png', ['x/b.png']),
        ('c.png', []),
        ('', []),
    ],
)
def test_images_are_found_by_any_path(
    tmp_path: Path, name: str, expected: list[str]
) -> None:
    files = [tmp_path / each for each in ('x/a.jpg', 'x/b.png', 'y/A.JPG')]
    index = Index(tmp_path, files)
    assert index.find(name) == [tmp_path / each for each in expected]


# COCO


def entry(**fields: Any) -> dict[str, Any]:
    common = dict(id=1, image_id=1, category_id=1, iscrowd=0, bbox=[10, 20, 30, 40])
    merged = {**common, **fields}
    return {key: value for key, value in merged.items() if value is not ...}


def coco_json(*annotations: dict[str, Any], name: str = 'a.jpg', **lists: Any) -> str:
    content = {
        'images': [dict(id=1, file_name=name, width=100, height=80)],
        'annotations': annotations or [entry()],
        'categories': [dict(id=1, name='cat'), dict(id=2, name='dog')],
        **lists,
    }
    return json.dumps(content)


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


# Pascal VOC

BOX = '<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>'
CAT = f'<object><name>cat</name>{BOX}</object>'
SIZE = '<size><width>100</width><height>80</height><depth>3</depth></size>'


def xml(body: str = CAT, filename: str = 'a.jpg', size: str = SIZE) -> str:
    return f'<annotation><filename>{filename}</filename>{size}{body}</annotation>'


@pytest.mark.parametrize(
    ('files', 'expected'),
    [
        (
            {
                'VOC2007/Annotations/a.xml': xml(),
                'VOC2007/Annotations/b.xml': xml(filename='b.jpg'),
                'VOC2007/JPEGImages/a.jpg': '',
                'VOC2007/JPEGImages/b.jpg': '',
                'VOC2007/SegmentationClass/a.png': '',
                'VOC2007/SegmentationClass/c.png': '',
                'VOC2007/ImageSets/Main/train.txt': 'a\n',
                'VOC2007/ImageSets/Main/val.txt': 'b 1\n',
                'VOC2007/ImageSets/Main/trainval.txt': 'a\nb\n',
            },
            {'VOC2007/JPEGImages/a.jpg': 'train', 'VOC2007/JPEGImages/b.jpg': 'val'},
        ),
        ({'a.xml': xml(), 'a.JPG': '', '._a.xml': 'x'}, {'a.JPG': None}),
        (
            {
                'train/a.xml': xml(),
                'train/a.jpg': '',
                'valid/a.xml': xml(),
                'valid/a.jpg': '',
            },
            {'train/a.jpg': 'train', 'valid/a.jpg': 'val'},
        ),
        (
            {
                'images/train/a.png': '',
                'images/test/a.png': '',
                'annotations/train/a.xml': xml(),
                'annotations/test/a.xml': xml(),
            },
            {'images/train/a.png': 'train', 'images/test/a.png': 'test'},
        ),
    ],
    ids=['devkit', 'beside', 'split folders', 'parallel'],
)
def test_voc_is_found_in_every_layout(
    tmp_path: Path, files: Files, expected: dict[str, str | None]
) -> None:
    contents, faults = read(voc, write(tmp_path, files))
    assert splits(contents, tmp_path) == expected
    assert all(record.annotated for record in contents.records)
    assert contents.classes == ('cat',)
    assert [*said(faults)] == [voc.FROM_ONE.what]
    for record in contents.records:
        assert [each.box for each in record.objects] == [(10, 20, 40, 60)]
        assert record.size == (100, 80)


@pytest.mark.parametrize('value', ['0', '10.5'])
def test_voc_coordinates_are_counted_from_0_if_one_shows_it(
    tmp_path: Path, value: str
) -> None:
    other = CAT.replace('11', value)
    write(tmp_path, {'a.xml': xml(), 'b.xml': xml(other), 'a.jpg': '', 'b.jpg': ''})
    contents, faults = read(voc, tmp_path)
    boxes = [each.box for record in contents.records for each in record.objects]
    assert boxes == [(11, 21, 40, 60), (float(value), 21, 40, 60)]
    assert voc.FROM_ZERO.what in said(faults)


CORNERS = ((11, 21), (41, 21), (41, 61))
NUMBERED = ''.join(
    f'<x{i}>{x}</x{i}><y{i}>{y}</y{i}>' for i, (x, y) in enumerate(CORNERS, start=1)
)
POINTS = ''.join(f'<pt><x>{x}</x><y>{y}</y></pt>' for x, y in CORNERS)


@pytest.mark.parametrize('points', [NUMBERED, POINTS])
def test_voc_polygons_are_kept_as_they_are(tmp_path: Path, points: str) -> None:
    polygon = f'<polygon>{points}</polygon>'
    body = CAT.replace('<bndbox>', f'{polygon}<bndbox>')
    contents, _ = read(voc, write(tmp_path, {'a.xml': xml(body), 'a.jpg': ''}))
    (each,) = only(contents).objects
    assert each.polygons == ((10, 20, 40, 20, 40, 60),)
    alone = f'<object><name>cat</name>{polygon}</object>'
    contents, faults = read(voc, write(tmp_path, {'a.xml': xml(alone)}))
    (each,) = only(contents).objects
    assert each.box == (10, 20, 41, 61)
    assert 'object without bndbox' in said(faults)


@pytest.mark.parametrize(
    ('wrong', 'what'),
    [
        (f'<object>{BOX}</object>', 'object without name'),
        (f'<object><name> </name>{BOX}</object>', 'object without name'),
        ('<object><name>cat</name></object>', 'object without bndbox'),
        (CAT.replace('11', 'x'), 'bndbox with a value missing or no number'),
        (CAT.replace('11', 'nan'), 'bndbox with a value missing or no number'),
        (
            CAT.replace('<xmin>11</xmin>', ''),
            'bndbox with a value missing or no number',
        ),
    ],
)
def test_a_bad_voc_object_is_left_out_and_said(
    tmp_path: Path, wrong: str, what: str
) -> None:
    write(tmp_path, {'a.xml': xml(CAT + wrong), 'a.jpg': ''})
    contents, faults = read(voc, tmp_path)
    assert len(only(contents).objects) == 1
    assert said(faults) == {what: ('a.xml',), voc.FROM_ONE.what: ()}


BOMB = '<!DOCTYPE a [<!ENTITY x "y">]>' + xml(CAT.replace('cat', '&x;'))


@pytest.mark.parametrize(
    ('content', 'what'),
    [
        (xml()[:-20], 'xml file broken'),
        (b'\x00\x01', 'xml file broken'),
        (BOMB, 'xml file broken'),
        ('', 'xml file empty'),
        (' \n', 'xml file empty'),
        ('<html></html>', 'xml file without the element annotation'),
    ],
)
def test_a_bad_voc_file_is_left_out_and_said(
    tmp_path: Path, content: str | bytes, what: str
) -> None:
    files: Files = {'a.xml': xml(), 'a.jpg': '', 'b.xml': content, 'b.jpg': ''}
    contents, faults = read(voc, write(tmp_path, files))
    assert said(faults) == {what: ('b.xml',), voc.FROM_ONE.what: ()}
    annotated = [(each.image.name, each.annotated) for each in contents.records]
    assert annotated == [('a.jpg', True), ('b.jpg', False)]


@pytest.mark.parametrize(
    ('content', 'what'),
    [
        (
            b'<?xml version="1.0" encoding="utf-8"?>'
            + xml(CAT + '<note>Müll</note>').encode('cp1252'),
            'xml file whose first line is wrong, or names another encoding than it has',
        ),
        (
            '\n<?xml version="1.0"?>' + xml(),
            'xml file whose first line is wrong, or names another encoding than it has',
        ),
        (b'\xef\xbb\xbf' + xml().encode(), ''),
        (xml().encode('utf-16'), ''),
        (xml(filename='a'), 'filename without the suffix of the image'),
        (
            xml(filename='other.jpg'),
            'filename of another image than the xml file is named after',
        ),
        (xml(filename=''), ''),
        (xml(size=''), 'size missing, or 0'),
        (xml(size=SIZE.replace('100', '0')), 'size missing, or 0'),
        (
            xml(CAT.replace('<bndbox>', '<difficult>1</difficult><bndbox>')),
            'object marked difficult',
        ),
        (xml(CAT.replace('cat', ' cat\n')), ''),
    ],
)
def test_what_can_be_used_of_a_voc_file_is_used(
    tmp_path: Path, content: str | bytes, what: str
) -> None:
    contents, faults = read(voc, write(tmp_path, {'a.xml': content, 'a.jpg': ''}))
    assert only(contents).image == tmp_path / 'a.jpg'
    (each,) = only(contents).objects
    assert (each.label, each.box) == ('cat', (10, 20, 40, 60))
    expected = {what: ('a.xml',)} if what else {}
    assert said(faults) == {**expected, voc.FROM_ONE.what: ()}


def test_image_sets_that_do_not_fit_are_said(tmp_path: Path) -> None:
    files: Files = {
        'Annotations/a.xml': xml(),
        'JPEGImages/a.jpg': '',
        'ImageSets/Main/train.txt': 'a\n\nb\n',
        'ImageSets/Main/val.txt': 'a',
    }
    contents, faults = read(voc, write(tmp_path, files))
    assert only(contents).split == 'val'
    assert said(faults)['name in ImageSets without an xml file'] == ('b',)
    assert said(faults)['name in several lists of ImageSets'] == ('a',)


def test_an_xml_file_that_fits_two_images_is_left_out(tmp_path: Path) -> None:
    files: Files = {'x/a.xml': xml(filename='c.jpg'), 'p/a.jpg': '', 'q/a.jpg': ''}
    files |= {'x/b.xml': xml(filename='b.jpg'), 'p/b.jpg': '', 'q/b.png': ''}
    contents, faults = read(voc, write(tmp_path, files))
    # filename decides between b.jpg and b.png
    records = [record for record in contents.records if record.annotated]
    assert [record.image for record in records] == [tmp_path / 'p/b.jpg']
    assert said(faults)['xml file that fits several images'] == (
        'x/a.xml: p/a.jpg and q/a.jpg',
    )


# YOLO

LINE = '0 0.25 0.5 0.3 0.5\n'
YAML = 'train: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n'


@pytest.mark.parametrize(
    ('files', 'expected'),
    [
        (
            {
                'data.yaml': YAML,
                'images/train/a.jpg': '',
                'labels/train/a.txt': LINE,
                'images/val/a.jpg': '',
                'labels/val/a.txt': LINE,
            },
            {'images/train/a.jpg': 'train', 'images/val/a.jpg': 'val'},
        ),
        (
            {
                'data.yaml': 'names: {1: dog, 0: cat}\ntest: null\nval: /mnt/valid',
                'train/images/a.jpg': '',
                'train/labels/a.txt': LINE,
                'valid/images/a.jpg': '',
                'valid/labels/a.txt': LINE,
            },
            {'train/images/a.jpg': 'train', 'valid/images/a.jpg': 'val'},
        ),
        (
            {
                'classes.txt': 'cat\ndog\n',
                'images/a.PNG': '',
                'labels/a.TXT': LINE,
                'README.txt': '1 2 3 4 5',
            },
            {'images/a.PNG': None},
        ),
        (
            {
                'obj.names': 'cat\ndog',
                'a.jpg': '',
                'a.txt': '\ufeff' + LINE.replace('\n', '\r\n'),
                'b.jpg': '',
                'b.txt': LINE,
                'train.txt': 'data/a.jpg\n',
                'valid.txt': 'data/b.jpg\n',
            },
            {'a.jpg': 'train', 'b.jpg': 'val'},
        ),
        (
            {
                'dataset.yaml': 'train: [p, q]\nval: list.txt\nnames: [cat, dog]',
                'list.txt': 'r/c.jpg',
                'p/a.jpg': '',
                'p/a.txt': LINE,
                'q/a.jpg': '',
                'q/a.txt': LINE,
                'r/c.jpg': '',
                'r/c.txt': LINE,
            },
            {'p/a.jpg': 'train', 'q/a.jpg': 'train', 'r/c.jpg': 'val'},
        ),
    ],
    ids=['images/train', 'train/images', 'flat', 'darknet', 'lists'],
)
def test_yolo_is_found_in_every_layout(
    tmp_path: Path, files: Files, expected: dict[str, str | None]
) -> None:
    contents, faults = read(yolo, write(tmp_path, files))
    assert splits(contents, tmp_path) == expected
    assert contents.classes == ('cat', 'dog')
    moved = 'path in data.yaml that is not on this machine'
    assert [*said(faults)] == ([moved] if '/mnt' in str(files.values()) else [])
    for record in contents.records:
        assert record.fractions
        (each,) = record.objects
        assert each.label == 'cat'
        assert each.box == pytest.approx((0.1, 0.25, 0.4, 0.75))


def test_a_data_yaml_can_be_given_whose_images_are_elsewhere(tmp_path: Path) -> None:
    text = f'path: {tmp_path}/data\ntrain: images/train\nnames: [cat]'
    write(tmp_path, {'here/data.yaml': text, 'data/images/train/a.jpg': ''})
    write(tmp_path, {'data/labels/train/a.txt': LINE})
    contents, faults = read(yolo, tmp_path / 'here/data.yaml')
    assert splits(contents, tmp_path) == {'data/images/train/a.jpg': 'train'}
    assert not faults


@pytest.mark.parametrize(
    ('line', 'what', 'place'),
    [
        ('0 0.5 x 0.1 0.1', 'line with a value that is no number', ''),
        ('0 0.5 nan 0.1 0.1', 'line with a value that is no number', ''),
        ('cat 0.5 0.5 0.1 0.1', 'line with a value that is no number', ''),
        ('0.5 0.5 0.5 0.1 0.1', 'line whose class is no whole number', ''),
        ('-1 0.5 0.5 0.1 0.1', 'line whose class is no whole number', ''),
        ('0 0.5 0.5 0.1', 'line with neither four values', ''),
        ('0 ' + '0.5 ' * 7, 'line with neither four values', ''),
        ('0', 'line with neither four values', ''),
        ('5 0.5 0.5 0.1 0.1', 'class number that no name has', ': 5'),
    ],
)
def test_a_bad_yolo_line_is_left_out_and_said(
    tmp_path: Path, line: str, what: str, place: str
) -> None:
    files: Files = {'classes.txt': 'cat', 'a.jpg': '', 'a.txt': LINE + '\n' + line}
    contents, (fault,) = read(yolo, write(tmp_path, files))
    assert len(only(contents).objects) == 1
    assert fault.kind.what.startswith(what)
    assert fault.places == (f'a.txt:3{place}',)
    # alone, it does not make its image one that shows nothing
    write(tmp_path, {'a.txt': line, 'b.jpg': '', 'b.txt': LINE})
    contents, faults = read(yolo, tmp_path)
    assert only(contents).image.name == 'b.jpg'
    assert said(faults)['image whose objects are all left out'] == ('a.jpg',)


def test_yolo_lines_may_be_polygons_or_have_more_values(tmp_path: Path) -> None:
    text = '0 .1 .2 .4 .2 .4 .6\n1.0 .25 .5 .3 .5 .99\n'
    files: Files = {'classes.txt': 'cat\ndog', 'a.jpg': '', 'a.txt': text}
    contents, faults = read(yolo, write(tmp_path, files))
    polygon, box = only(contents).objects
    assert polygon.polygons == ((0.1, 0.2, 0.4, 0.2, 0.4, 0.6),)
    assert polygon.box == (0.1, 0.2, 0.4, 0.6)
    assert (box.label, box.polygons) == ('dog', ())
    assert box.box == pytest.approx((0.1, 0.25, 0.4, 0.75))
    what = 'line with a value after the box, such as a confidence'
    assert said(faults) == {what: ('a.txt:2',)}


def test_yolo_keypoints_are_no_polygon(tmp_path: Path) -> None:
    files: Files = {'data.yaml': 'names: [cat]\nkpt_shape: [2, 3]', 'a.jpg': ''}
    files['a.txt'] = LINE.strip() + ' .1 .1 2 .2 .2 2'
    contents, faults = read(yolo, write(tmp_path, files))
    assert not only(contents).objects[0].polygons
    assert said(faults) == {'line with keypoints': ('a.txt:1',)}


def test_an_empty_label_file_says_that_there_is_nothing(tmp_path: Path) -> None:
    files: Files = {'classes.txt': 'cat', 'a.jpg': '', 'a.txt': LINE}
    files |= {'b.jpg': '', 'b.txt': '\n', 'c.jpg': '', 'd.txt': LINE}
    contents, faults = read(yolo, write(tmp_path, files))
    known = [(r.image.name, r.annotated, len(r.objects)) for r in contents.records]
    assert known == [('a.jpg', True, 1), ('b.jpg', True, 0), ('c.jpg', False, 0)]
    assert said(faults) == {'label file without image': ('d.txt',)}


def test_yolo_values_in_pixels_are_noticed(tmp_path: Path) -> None:
    files: Files = {'classes.txt': 'cat', 'a.jpg': '', 'a.txt': '0 25 40 30 40'}
    contents, faults = read(yolo, write(tmp_path, files))
    assert not only(contents).fractions
    assert only(contents).objects[0].box == (10, 20, 40, 60)
    assert [*said(faults)] == [yolo.PIXELS.what]
    # one line beyond 1 among others is only wrong
    write(tmp_path, {'a.txt': LINE + '0 25 40 30 40'})
    contents, faults = read(yolo, tmp_path)
    assert only(contents).fractions
    assert not faults


def test_yolo_classes_without_names_are_numbered(tmp_path: Path) -> None:
    write(tmp_path, {'a.jpg': '', 'a.txt': LINE.replace('0', '1', 1)})
    contents, faults = read(yolo, tmp_path)
    assert contents.classes == ('class_0', 'class_1')
    assert [*said(faults)] == [yolo.NO_NAMES.what]
    # unless the user names them
    contents, faults = read(yolo, tmp_path, ('cat', 'dog'))
    assert only(contents).objects[0].label == 'dog'
    assert not faults


@pytest.mark.parametrize(
    ('text', 'what'),
    [
        ('names: [cat\n', 'data.yaml broken'),
        ('names: cat\n', 'names in data.yaml neither a list nor numbers with names'),
        ('names: [cat, dog]\nnc: 3', 'nc in data.yaml not the number of names'),
        ('names: [cat, cat]', 'class with the name of another'),
        ('names: [cat]\ntrain: /mnt/x', 'path in data.yaml that does not exist'),
        ('names: [cat]\nval: l.txt', 'image in a list of a split that does not exist'),
        (
            'names: [cat]\ntrain: images\nval: images',
            'image that is for training and for validation or test',
        ),
    ],
)
def test_odd_data_yaml_are_said_and_images_read_all_the_same(
    tmp_path: Path, text: str, what: str
) -> None:
    files: Files = {'data.yaml': text, 'images/a.jpg': '', 'labels/a.txt': LINE}
    contents, faults = read(yolo, write(tmp_path, {**files, 'l.txt': 'z.jpg'}))
    assert len(only(contents).objects) == 1
    assert only(contents).split is None
    assert what in said(faults)


# Recognition


@pytest.mark.parametrize(
    ('files', 'module'),
    [
        ({'a.jpg': '', 'a.json': '{"shapes": [], "imagePath": "a.jpg"}'}, None),
        ({'a.jpg': '', 'a.txt': 'a photograph of a cat'}, None),
        ({'a.jpg': '', 'a.xml': '<annotations><image/></annotations>'}, None),
        ({'x.json': coco_json(), 'a.jpg': ''}, coco),
        ({'a.xml': xml(), 'a.jpg': ''}, voc),
        ({'a.txt': LINE, 'a.jpg': ''}, yolo),
    ],
)
def test_each_format_recognises_only_its_own(
    tmp_path: Path, files: Files, module: Any
) -> None:
    write(tmp_path, files)
    assert [each for each in (coco, voc, yolo) if each.find(tmp_path)] == [
        each for each in (module,) if each
    ]


def test_the_format_of_most_files_has_the_largest_share(tmp_path: Path) -> None:
    for index in range(9):
        write(tmp_path, {f'{index}.jpg': '', f'{index}.txt': LINE})
    write(tmp_path, {'x.json': coco_json(), '0.xml': xml()})
    shares = {each.NAME: each.find(tmp_path).share for each in (coco, voc, yolo)}
    # nine images, nine txt files, one json and one xml file
    assert shares == {'COCO': 10 / 20, 'Pascal VOC': 10 / 20, 'YOLO': 18 / 20}
