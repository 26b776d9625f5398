"""YOLO is recognised in every layout and read, dirty or clean."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import (
    LINE,
    YAML,
    Files,
    only,
    read,
    said,
    splits,
    write,
)

from sepvit_mm.samples.formats import yolo


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
