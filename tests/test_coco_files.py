"""Faults of COCO files are named before training, and repaired where that is safe."""

import json
import os
import re
from copy import deepcopy

import noise
import pytest
from PIL import Image

from sepvit_mm.annotations import (
    Demands,
    coco_faults,
    files,
    read_coco,
    repair,
    repaired,
    write_copy,
)
from sepvit_mm.errors import InputError

NAMES = [f'{index}.png' for index in range(noise.COUNT)]
TRAINED = Demands(noise.NAMES, role='train', masks=True)
EVALUATED = Demands(noise.NAMES, masks=True)


def changed(where: str, **fields) -> dict:
    """Set a field of all images, annotations or categories; None removes it."""
    content = noise.coco_json(NAMES)
    for entry in content[where]:
        for field, value in fields.items():
            entry[field] = value(entry) if callable(value) else value
            if value is None:
                del entry[field]
    return content


def cut(**lists) -> dict:
    return {**noise.coco_json(NAMES), **lists}


def corners(entry: dict) -> list:
    left, top, width, height = entry['bbox']
    return [left, top, left + width + 40, top + height + 40]


def also(**fields) -> dict:
    """Add an annotation that is like the first, but for some fields."""
    content = noise.coco_json(NAMES)
    content['annotations'].append({**content['annotations'][0], 'id': 99, **fields})
    return content


def picture(**fields) -> dict:
    """Add an image that is like the first, but for some fields."""
    content = noise.coco_json(NAMES)
    content['images'].append({**content['images'][0], **fields})
    return content


POLYGON = [[1, 2, 3, 4]]
FAULTS = {
    'ids from 0': (
        changed('annotations', id=lambda entry: entry['id'] - 1),
        'repaired',
        r'id 0 in 1 of 6 annotations \(0\): pycocotools would count the object as '
        'missed; counted from 1 instead, in a copy',
    ),
    'no id': (changed('annotations', id=None), 'repaired', r'id missing .*\(entry 0,'),
    'one id': (also(id=1), 'repaired', r'id used twice in 1 of 7 annotations \(1\)'),
    'no iscrowd': (
        changed('annotations', iscrowd=None),
        'repaired',
        r'iscrowd missing in 6 of 6 annotations \(1, 2, 3, ...\): taken as 0, in a',
    ),
    'iscrowd as text': (
        changed('annotations', iscrowd='0'), 'stops', 'iscrowd neither 0 nor 1',
    ),
    'no area': (changed('annotations', area=None), 'repaired', "the box's area"),
    'area as text': (
        changed('annotations', area='2400'), 'repaired', 'area missing or not a number',
    ),
    'one area of 0': (also(area=0), 'noted', r'area not positive in 1 of 7 .*\(99\)'),
    'no image_id': (also(image_id=[]), 'stops', 'image_id missing'),
    'unknown image': (also(image_id=77), 'noted', 'image_id unknown'),
    'no category_id': (also(category_id=None), 'stops', 'category_id missing'),
    'unknown category': (also(category_id=77), 'noted', 'category_id unknown'),
    'no bbox': (changed('annotations', bbox=None), 'stops', 'bbox not four numbers'),
    'NaN in bbox': (also(bbox=[1, 2, 3, float('nan')]), 'stops', 'bbox not four'),
    'flat bbox': (also(bbox=[5, 5, 0, 9]), 'noted', 'bbox without width or height'),
    'bbox elsewhere': (also(bbox=[200, 5, 9, 9]), 'noted', 'bbox outside the image'),
    'bbox as corners': (
        changed('annotations', bbox=corners), 'noted', 'bbox looks like two corners',
    ),
    'no segmentation': (also(segmentation=[]), 'stops', 'segmentation missing'),
    'flat polygon': (also(segmentation=[1, 2] * 3), 'stops', 'neither polygons'),
    'RLE without size': (also(segmentation={'counts': 'a'}), 'stops', 'nor RLE'),
    'RLE of another size': (
        also(segmentation={'counts': 'a', 'size': [160, 120]}), 'stops', 'not that of',
    ),
    'no file_name': (changed('images', file_name=None), 'stops', 'file_name missing'),
    'no image id': (picture(id=None), 'stops', r'id missing in 1 of 7 images'),
    'image id used twice': (picture(file_name='x'), 'stops', 'id used twice .*images'),
    'no width': (changed('images', width=None), 'stops', 'width or height missing'),
    'class with a capital': (
        changed('categories', name=lambda entry: entry['name'].title() + ' '),
        'stops',
        "categories without 'cat', 'dog' of metainfo.classes: it has 'Cat ' for 'cat', "
        "it has 'Dog ' for 'dog'; set metainfo.classes",
    ),
    'category without name': (
        changed('categories', name=None), 'stops', 'categories without id or name',
    ),
    'another order': (
        cut(categories=noise.coco_json(NAMES)['categories'][::-1]),
        'stops',
        "another order than metainfo.classes, first 'dog' where that has 'cat'",
    ),
    'name used twice': (
        cut(categories=[*noise.coco_json(NAMES)['categories'], dict(id=3, name='dog')]),
        'stops',
        "categories with the name 'dog'",
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', FAULTS)
def test_a_fault_is_named_and_only_that(name):
    content, outcome, message = FAULTS[name]
    before = deepcopy(content)
    found = [
        fault
        for fault in coco_faults(content, TRAINED)
        if 'none of' not in str(fault)  # what follows if all entries have the fault
    ]
    assert [fault.kind.outcome for fault in found] == [outcome]
    assert re.search(message, str(found[0])), str(found[0])
    assert str(content) == str(before)


@pytest.mark.parametrize('demands', [TRAINED, EVALUATED], ids=['train', 'evaluate'])
def test_a_good_file_has_no_faults(demands):
    content = noise.coco_json(NAMES)
    content['categories'].append(dict(id=9, name='bird'))  # that nobody asked for
    content['annotations'][0]['segmentation'] = dict(counts='a', size=[120, 160])
    assert coco_faults(content, demands) == []


def test_polygons_of_four_numbers_end_an_evaluation_but_not_a_training():
    content = also(segmentation=[[1, 2, 3, 4]])
    (trained,) = coco_faults(content, TRAINED)
    (evaluated,) = coco_faults(content, EVALUATED)
    assert (trained.kind.outcome, evaluated.kind.outcome) == ('noted', 'stops')
    assert 'fewer than three points' in str(trained)
    assert coco_faults(content, Demands(noise.NAMES, role='train')) == []  # no masks


@pytest.mark.parametrize(
    'content, options, message',
    [
        (cut(images=[]), {}, 'images is empty'),
        (cut(annotations=[]), {}, 'none of 0 can be used: there is nothing to train'),
        (cut(annotations=[]), dict(role='evaluate'), 'nothing to evaluate'),
        (
            cut(annotations=[]), dict(filter_empty=True),
            "filter_cfg leaves none of 6: 6 have no annotation for 'cat', 'dog'",
        ),
        ({}, dict(min_size=121), 'leaves none of 6: 6 are below min_size=121'),
        (changed('annotations', bbox=[0.1, 0.2, 0.3, 0.4]), {}, 'has fractions'),
        (changed('annotations', bbox=[5, 5, 9, 0.5]), {}, 'none of 6 can be used'),
        (changed('annotations', area=0), {}, 'none of 6 can be used'),
        (changed('annotations', segmentation=POLYGON), dict(masks=True), 'none of 6'),
        (changed('annotations', image_id=str), {}, 'none of 6 can be used'),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_file_that_leaves_nothing_stops_a_run(content, options, message):
    demands = Demands(noise.NAMES, **{'role': 'train', **options})
    found = coco_faults(content or noise.coco_json(NAMES), demands)
    stops = [str(fault) for fault in found if fault.kind.outcome == 'stops']
    assert any(message in text for text in stops), found


def test_negatives_beside_other_data_may_be_without_annotations():
    demands = Demands(noise.NAMES, role='train', alone=False)
    assert coco_faults(cut(annotations=[]), demands) == []


def test_a_kind_of_fault_is_one_fault_however_often_it_occurs():
    content = also()
    content['annotations'] = [
        {'id': index, 'image_id': 1, 'category_id': 1, 'bbox': [1, 1, 9, 9], 'area': 81}
        for index in range(1, 5001)
    ]
    (fault,) = coco_faults(content, Demands(noise.NAMES))
    assert (fault.count, fault.of, fault.places) == (5000, 5000, ('1', '2', '3'))


@pytest.mark.parametrize(
    'text, message',
    [
        ('{', 'is not JSON: '),
        ('[]', 'is a list, but a COCO file is an object'),
        ('{"images": []}', 'has no list of categories'),
        ('{"images": [1], "categories": []}', 'has an entry in images that is not'),
        (None, 'cannot be read: No such file'),
    ],
)
def test_a_file_of_another_kind_is_refused(text, message, tmp_path):
    path = tmp_path / 'a.json'
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_coco(path)


def test_a_repair_changes_what_is_wrong_and_nothing_else(tmp_path):
    noise.write_images(tmp_path)
    good = noise.coco_json(NAMES)
    faulty = deepcopy(good)
    for index, annotation in enumerate(faulty['annotations']):
        annotation['id'] = index
        del annotation['iscrowd'], annotation['area']
    del faulty['images'][2]['width'], faulty['images'][3]['height']
    before = deepcopy(faulty)
    demands = Demands(noise.NAMES, images=tmp_path)
    found = coco_faults(faulty, demands)
    assert {fault.kind.outcome for fault in found} == {'repaired'}
    assert repaired(faulty, found, tmp_path) == good
    assert faulty == before
    # and ids that are sound remain, as do other fields
    del good['annotations'][4]['area']
    good['annotations'][0].update(id=55, iscrowd=1, area=7, author='me')
    fixed = repaired(good, coco_faults(good, demands), tmp_path)
    assert fixed['annotations'][0] == good['annotations'][0]


def test_files_of_images_are_looked_up(tmp_path):
    noise.write_images(tmp_path)
    (tmp_path / '1.png').unlink()
    Image.new('RGB', (noise.HEIGHT, noise.WIDTH)).save(tmp_path / '2.png')
    content = noise.coco_json(NAMES)
    missing, other = coco_faults(content, Demands(noise.NAMES, images=tmp_path))
    assert 'file_name without a file in 1 of 6 images (1.png)' in str(missing)
    assert '1 of 6 sampled images (2.png: 160x120, not 120x160)' in str(other)
    assert (missing.kind.outcome, other.kind.outcome) == ('stops', 'noted')
    # masks of another size have no overlap at all
    demands = Demands(noise.NAMES, images=tmp_path, masks=True)
    assert {f.kind.outcome for f in coco_faults(content, demands)} == {'stops'}
    # images that training leaves out are not needed
    content['annotations'].pop(1)
    demands = Demands(noise.NAMES, images=tmp_path, role='train', filter_empty=True)
    assert [fault.kind.outcome for fault in coco_faults(content, demands)] == ['noted']


def test_photographs_have_the_size_that_they_are_loaded_in(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned
    Image.new('RGB', (40, 30)).save(tmp_path / 'a.jpg', exif=exif)
    assert files.size_of(tmp_path / 'a.jpg') == (30, 40)
    (tmp_path / 'a.jpg').write_text('no image')
    assert files.size_of(tmp_path / 'a.jpg') is None


def test_several_processes_may_write_one_copy(tmp_path, monkeypatch):
    path = tmp_path / 'annotations/val.json'
    rename = os.replace

    def replace(*paths):
        monkeypatch.undo()
        write_copy({'images': []}, path)  # another process, at the worst moment
        rename(*paths)

    monkeypatch.setattr(repair.os, 'replace', replace)
    write_copy({'images': []}, path)
    assert json.loads(path.read_text()) == {'images': []}
    assert os.listdir(path.parent) == ['val.json']
