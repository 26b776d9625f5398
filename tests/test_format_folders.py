"""Class folders are read as people keep them."""

from __future__ import annotations

import pytest
from layouts import (
    photograph,
    read_for,
)

from sepvit_mm.errors import InputError
from sepvit_mm.samples.formats import folders, labelme, masks

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
    contents, _ = read_for(folders, tmp_path, 'classification')
    assert contents.classes == ('cat', 'dog')
    for record in contents.records:
        parts = record.image.relative_to(tmp_path).parts
        assert record.label in parts
        splits = [part for part in parts if part in ('train', 'val', 'test')]
        assert record.split == (splits[0] if splits else None)


def test_a_class_may_be_named_as_a_split(tmp_path):
    for name in ('train/0.jpg', 'car/1.jpg'):
        photograph(tmp_path / name)
    contents, _ = read_for(folders, tmp_path, 'classification')
    assert contents.classes == ('car', 'train')
    assert {record.split for record in contents.records} == {None}


def test_what_is_odd_about_class_folders_is_said(tmp_path):
    for name in (*CLASSES['splits'], 'train/bird/9.jpg', 'train/beside.jpg'):
        photograph(tmp_path / name)
    (tmp_path / 'val/empty').mkdir()
    contents, said = read_for(folders, tmp_path, 'classification')
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
        read_for(folders, tmp_path, 'classification')


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
