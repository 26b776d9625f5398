"""Pascal VOC is recognised in every layout and read, dirty or clean."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import (
    BOX,
    CAT,
    SIZE_TAG,
    Files,
    only,
    read,
    said,
    splits,
    write,
    xml,
)

from sepvit_mm.samples.formats import voc


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
        (xml(size=SIZE_TAG.replace('100', '0')), 'size missing, or 0'),
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
