"""Annotated images are used as far as they can be, and nothing is silent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sepvit_mm.errors import InputError
from sepvit_mm.samples import (
    contact_sheet,
    inspect,
    label_map,
    read,
    write_coco,
    write_masks,
)
from sepvit_mm.samples.geometry import clean, turned
from sepvit_mm.samples.images import look
from sepvit_mm.samples.sample import Object, Sample, Samples

SIZE = (60, 40)


def photograph(path: Path, seed: int = 0, size: tuple[int, int] = SIZE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def coco(folder: Path, objects: list[dict], number: int = 3, **extra: object) -> Path:
    """Write images and a COCO file; objects are in the first image unless they say."""
    images = []
    for i in range(number):
        photograph(folder / f'images/{i}.png', i)
        images.append(dict(id=i + 1, file_name=f'{i}.png', width=60, height=40))
    annotations = [
        dict(dict(id=i, image_id=1, category_id=1, iscrowd=0, area=1), **each)
        for i, each in enumerate(objects, 1)
    ]
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
    )
    path = folder / 'annotations/instances.json'
    path.parent.mkdir()
    path.write_text(json.dumps(content | extra))
    return folder


def said(samples: Samples) -> dict[str, tuple[int, str]]:
    return {f.kind.what: (f.count, f.kind.then) for f in samples.faults}


BOX = [10, 10, 20, 20]
WRONG_BOXES = {
    'box outside the image': [70, 10, 5, 5],
    'box reaches over the border of the image': [50, 30, 30, 5],
    'box without width or height': [10, 10, 0, 5],
    'box whose right is left of its left': [20, 20, -10, -10],
    'box with a value that is no number': [float('nan'), 1, 5, 5],
}


@pytest.mark.parametrize('what', WRONG_BOXES)
def test_a_wrong_box_is_said_and_the_others_are_used(tmp_path, what):
    data = coco(tmp_path, [dict(bbox=BOX), dict(bbox=WRONG_BOXES[what])])
    samples = read(data, 'detection')
    assert said(samples)[what][0] == 1
    objects = samples.samples[0].objects
    assert objects[0].box == (10, 10, 30, 30)
    for left, top, right, bottom in (each.box for each in objects):
        assert 0 <= left < right <= 60 and 0 <= top < bottom <= 40


def test_an_image_whose_objects_are_all_left_out_is_not_taken_for_background(tmp_path):
    objects = [dict(bbox=[70, 10, 5, 5]), dict(bbox=BOX, image_id=2)]
    samples = read(coco(tmp_path, objects), 'detection')
    assert [sample.image.name for sample in samples.samples] == ['1.png', '2.png']
    assert said(samples)['image whose objects are all left out'][0] == 1


def test_fractions_are_taken_as_fractions(tmp_path):
    data = coco(tmp_path, [dict(bbox=[0.1, 0.25, 0.5, 0.5])])
    samples = read(data, 'detection')
    assert samples.samples[0].objects[0].box == pytest.approx((6, 10, 36, 30))


def test_the_same_box_twice_counts_once(tmp_path):
    samples = read(coco(tmp_path, [dict(bbox=BOX), dict(bbox=BOX)]), 'detection')
    assert len(samples.samples[0].objects) == 1
    assert said(samples)['the same box twice'] == (1, 'the second is left out')


def test_instance_segmentation_leaves_out_objects_without_an_outline(tmp_path):
    outline = [[10, 10, 30, 10, 30, 30]]
    objects = [
        dict(bbox=BOX, segmentation=outline),
        dict(bbox=BOX, segmentation=[[1, 2, 3, 4]]),
    ]
    samples = read(coco(tmp_path, objects), 'instance')
    assert len(samples.samples[0].objects) == 1
    assert said(samples)['polygon with fewer than three points'][0] == 1
    assert said(samples)['object without an outline'][0] == 1


def convert(mode: str):
    def change(path: Path) -> None:
        image = Image.open(path).convert('L' if mode == 'I;16' else mode)
        if mode == 'I;16':
            image = Image.fromarray(np.asarray(image).astype(np.uint16) * 200)
        image.save(path, format='TIFF' if mode == 'CMYK' else 'PNG')

    return change


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1500])


def turn(path: Path) -> None:
    image = Image.open(path)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)


def stack(path: Path) -> None:
    image = Image.open(path)
    image.save(path, format='TIFF', save_all=True, append_images=[image])


FILES = {
    'image missing': (Path.unlink, False),
    'image file empty': (lambda path: path.write_bytes(b''), False),
    'image unreadable or truncated': (truncate, False),
    'file with several images': (stack, False),
    'grey image': (convert('L'), True),
    'black and white image': (convert('1'), True),
    'image with a palette': (convert('P'), True),
    'image with transparency': (convert('RGBA'), True),
    'grey image with transparency': (convert('LA'), True),
    'CMYK image': (convert('CMYK'), True),
    '16-bit image': (convert('I;16'), True),
    'image turned by its EXIF orientation': (turn, True),
}


@pytest.mark.parametrize('what', FILES)
def test_an_unusual_image_is_said(tmp_path, what):
    change, is_used = FILES[what]
    data = coco(tmp_path, [dict(bbox=BOX), dict(bbox=BOX, image_id=2)])
    change(data / 'images/0.png')
    samples = read(data, 'detection')
    assert said(samples)[what][0] == 1
    assert ('0.png' in [s.image.name for s in samples.samples]) == is_used


def test_a_file_that_is_no_image_is_broken(tmp_path):
    path = tmp_path / 'a.jpg'
    path.write_text('<html>404</html>')
    assert [kind.what for kind in look(path).kinds] == ['image unreadable or truncated']


def test_annotations_made_before_exif_turned_the_image_are_turned_with_it(tmp_path):
    data = coco(tmp_path, [dict(bbox=[0, 0, 10, 5])], number=1)
    turn(data / 'images/0.png')
    samples = read(data, 'detection')
    assert samples.samples[0].size == (40, 60)
    assert samples.samples[0].objects[0].box == (35, 0, 40, 10)


@pytest.mark.parametrize('orientation', range(2, 9))
def test_turning_an_object_is_what_exif_does_to_its_pixels(tmp_path, orientation):
    from PIL import ImageOps

    pixels = np.zeros((40, 60), np.uint8)
    pixels[5:15, 10:30] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'a.png', exif=exif)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / 'a.png')))
    rows, columns = np.nonzero(shown)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert turned(Object('a', (10, 5, 30, 15)), orientation, SIZE).box == box


def test_equal_files_are_said_and_leaks_above_all(tmp_path):
    for split in ('train', 'val'):
        coco(tmp_path / split, [dict(bbox=BOX), dict(bbox=BOX, image_id=2)], number=2)
    samples = read(tmp_path / 'train', 'detection', val=tmp_path / 'val')
    assert {s.split for s in samples.samples} == {'train', 'val'}
    assert len({s.digest for s in samples.samples}) == 2
    folder = tmp_path / 'twice'
    coco(folder, [dict(bbox=BOX, image_id=i) for i in (1, 2, 3)])
    (folder / 'images/1.png').write_bytes((folder / 'images/0.png').read_bytes())
    count, _ = said(read(folder, 'detection'))[
        'image that is there more than once, by content'
    ]
    assert count == 1


def test_a_class_that_only_the_validation_set_has_is_left_out(tmp_path):
    coco(tmp_path / 'a', [dict(bbox=BOX)], categories=[dict(id=1, name='cat')])
    coco(
        tmp_path / 'b',
        [dict(bbox=BOX), dict(bbox=BOX, category_id=2, image_id=2)],
    )
    samples = read(tmp_path / 'a', 'detection', val=tmp_path / 'b')
    assert samples.classes == ('cat',)
    assert said(samples)['class that the training set does not have'][0] == 1


def test_classes_that_differ_in_capitals_are_said(tmp_path):
    names = [dict(id=1, name='cat'), dict(id=2, name='Cat')]
    samples = read(coco(tmp_path, [dict(bbox=BOX)], categories=names), 'detection')
    assert any("'cat', 'Cat'" in what for what in said(samples))


def test_what_is_not_recognised_is_described(tmp_path):
    (tmp_path / 'a.docx').write_text('x')
    with pytest.raises(InputError, match=r'1 \.docx\. Understood are: COCO json;'):
        read(tmp_path, 'detection')
    with pytest.raises(InputError, match='is an archive: unpack it'):
        (tmp_path / 'a.zip').write_text('x')
        read(tmp_path / 'a.zip', 'detection')
    with pytest.raises(InputError, match='does not exist'):
        read(tmp_path / 'nowhere', 'detection')


def test_a_format_that_does_not_suit_the_task_is_named(tmp_path):
    data = coco(tmp_path, [dict(bbox=BOX)])
    with pytest.raises(InputError, match=r'is COCO .* but not for classification'):
        read(data, 'classification')


def test_written_coco_files_read_the_same(tmp_path):
    outline = [[10, 10, 30, 10, 30, 30]]
    rle = dict(size=[40, 60], counts=[100, 200, 2100])
    objects = [
        dict(bbox=BOX, segmentation=outline),
        dict(bbox=[2, 0, 5, 40], segmentation=rle, iscrowd=1, category_id=2),
    ]
    samples = read(coco(tmp_path / 'a', objects), 'instance')
    write_coco(samples, range(3), tmp_path / 'out.json')
    content = json.loads((tmp_path / 'out.json').read_text())
    assert [image['file_name'] for image in content['images']] == [
        '0.png',
        '1.png',
        '2.png',
    ]
    one, other = content['annotations']
    assert one['bbox'] == BOX and one['segmentation'] == outline
    assert other['iscrowd'] == 1 and other['area'] == 200
    assert [c['name'] for c in content['categories']] == ['cat', 'dog']


def test_masks_are_drawn_in_the_order_of_the_objects(tmp_path):
    outline = [[0, 0, 30, 0, 30, 40, 0, 40]]
    objects = [
        dict(bbox=[0, 0, 30, 40], segmentation=outline),
        dict(bbox=[20, 0, 20, 40], category_id=2),
    ]
    samples = read(coco(tmp_path / 'a', objects, number=1), 'semantic')
    assert samples.classes == ('background', 'cat', 'dog')
    write_masks(samples, [0], tmp_path / 'masks')
    written = Image.open(tmp_path / 'masks/0.png.png')
    assert written.mode == 'P'
    row = np.asarray(written)[10]
    assert row.tolist() == [1] * 20 + [2] * 20 + [0] * 20


def test_values_without_a_class_are_ignored(tmp_path):
    image, mask = photograph(tmp_path / 'a.png'), tmp_path / 'm.png'
    Image.fromarray(np.full((40, 60), 7, np.uint8)).save(mask)
    sample = Sample(image, SIZE, '', mask=mask)
    samples = Samples('semantic', '', ('a', 'b'), (sample,), values={0: 0, 7: 1})
    assert np.unique(label_map(samples, sample)).tolist() == [1]
    samples = Samples('semantic', '', ('a', 'b'), (sample,), values={0: 0, 1: 1})
    assert np.unique(label_map(samples, sample)).tolist() == [255]


def test_an_inspection_counts_by_class_and_split(tmp_path):
    objects = [dict(bbox=BOX), dict(bbox=BOX, image_id=2, category_id=2)]
    samples = read(coco(tmp_path, objects), 'detection')
    inspection = inspect(samples, {'train': [0, 2], 'val': [1]}, longest=120)
    counts = inspection.json['classes']
    assert counts['cat']['train'] == {'objects': 1, 'images': 1}
    assert counts['dog']['train'] == {'objects': 0, 'images': 0}
    assert counts['dog']['val'] == {'objects': 1, 'images': 1}
    assert inspection.json['box_side_resized']['median'] == 40
    assert inspection.json['images'] == {'train': 2, 'val': 1}
    json.dumps(inspection.json)  # the file that is written
    few = next(f for f in inspection.faults if 'fewer than' in f.kind.what)
    assert few.places == ('cat: 1', 'dog: 0')
    inspection.picture(tmp_path / 'a.png')
    assert Image.open(tmp_path / 'a.png').size[0] > 800


@pytest.mark.parametrize('task', ['detection', 'instance', 'semantic'])
def test_a_contact_sheet_shows_annotations(tmp_path, task):
    outline = [[10, 10, 50, 10, 50, 30, 10, 30]]
    objects = [
        dict(bbox=[10, 10, 40, 20], segmentation=outline, image_id=i) for i in (1, 2)
    ]
    samples = read(coco(tmp_path, objects), task)
    contact_sheet(samples, tmp_path / 'sheet.png')
    sheet = np.asarray(Image.open(tmp_path / 'sheet.png').convert('RGB')).astype(int)
    plain = Samples(
        task,
        '',
        samples.classes,
        tuple(Sample(s.image, s.size, s.digest) for s in samples.samples),
    )
    contact_sheet(plain, tmp_path / 'plain.png')
    other = np.asarray(Image.open(tmp_path / 'plain.png').convert('RGB')).astype(int)
    assert (np.abs(sheet - other).max(axis=2) > 30).sum() > 200


def test_a_box_within_the_image_is_left_as_it_is():
    given = Object('a', (0, 0, 60, 40))
    assert clean([given], SIZE, 'detection') == ((given,), [])


def test_masks_are_read_for_semantic_segmentation_though_boxes_are_there_too(tmp_path):
    outline = [[0, 0, 30, 0, 30, 40, 0, 40]]
    data = coco(tmp_path, [dict(bbox=[0, 0, 30, 40], segmentation=outline)])
    (data / 'masks').mkdir()
    (data / 'classes.txt').write_text('ground\ncat\n')
    for i in range(3):
        labels = np.zeros((40, 60), np.uint8)
        labels[10:20, 10:20] = 1
        Image.fromarray(labels).save(data / f'masks/{i}.png')
    samples = read(data, 'semantic')
    assert samples.samples[0].mask == data / 'masks/0.png'
    assert samples.format.endswith('(not read: COCO)')
    assert read(data, 'detection').format.startswith('COCO')


def test_an_inspection_of_outlines_for_semantic_counts_images(tmp_path):
    objects = [dict(bbox=BOX), dict(bbox=[*BOX[:2], 9, 9])]
    samples = read(coco(tmp_path, objects), 'semantic')
    counts = inspect(samples, {'train': range(3)}, longest=60).json['classes']
    images = {name: split['train']['images'] for name, split in counts.items()}
    assert images == {'background': 3, 'cat': 1, 'dog': 0}
    assert counts['cat']['train']['objects'] == 1


def test_crowds_are_ignored_where_no_single_object_is(tmp_path):
    objects = [
        dict(bbox=[0, 0, 20, 40]),
        dict(bbox=[10, 0, 50, 40], iscrowd=1, category_id=2),
    ]
    samples = read(coco(tmp_path, objects, number=1), 'semantic')
    row = label_map(samples, samples.samples[0])[10]
    assert row.tolist() == [1] * 20 + [255] * 40
