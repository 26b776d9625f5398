"""Annotated images are read in every format, and what is wrong with them is told."""

import json

import numpy as np
import pytest
from noise import HEIGHT, WIDTH, coco_json, write_coco, write_images, write_masks
from PIL import Image

from sepvit_mm import samples as room
from sepvit_mm.errors import InputError
from sepvit_mm.samples import read

BOX = (10, 20, 70, 60)  # of the first image of noise


def voc(root, left=11, top=21, right=70, bottom=60, name='cat'):
    root.mkdir(exist_ok=True)
    for image in write_images(root, 2):
        (root / image.replace('png', 'xml')).write_text(
            f'<annotation><filename>{image}</filename><object><name>{name}</name>'
            f'<bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>'
            f'<ymax>{bottom}</ymax></bndbox></object></annotation>'
        )
    return root


def yolo(root, line='0 0.25 0.333333333 0.375 0.333333333'):
    for image in write_images(root / 'images/train', 2):
        label = root / 'labels/train' / image.replace('png', 'txt')
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_bytes(f'{line}\r\n'.encode())
    (root / 'data.yaml').write_text('names: {0: cat, 1: dog}\n')
    return root


def labelme(root, kind='rectangle', points=((70, 60), (10, 20))):
    for image in write_images(root, 2):
        shape = dict(label='cat', points=points, shape_type=kind, group_id=None)
        content = dict(imagePath=image, shapes=[shape])
        (root / image.replace('png', 'json')).write_text(json.dumps(content))
    return root


def coco(root, change=lambda content: None):
    content = coco_json(write_images(root / 'images', 4))
    change(content)
    (root / 'all.json').write_text(json.dumps(content))
    return root


@pytest.mark.parametrize('write', [voc, yolo, labelme, coco])
def test_a_box_is_the_same_in_every_format(tmp_path, write):
    found = read(write(tmp_path / 'data'), 'detection')
    each = found.samples[0].objects[0]
    assert each.label == 'cat' and each.box == pytest.approx(BOX, abs=1e-4)
    assert found.samples[0].size == (WIDTH, HEIGHT)


def first(key, value):
    def change(content):
        content['annotations'][0][key] = value

    return change


def categories(*entries):
    def change(content):
        content['categories'] = [dict(id=i, name=name) for i, name in entries]

    return change


COCO_FAULTS = {
    'outside': (first('bbox', [500, 500, 9, 9]), 'box outside the image in 1 of 4'),
    'beyond': (first('bbox', [150, 100, 90, 90]), 'reaches beyond the image in 1'),
    'flat': (first('bbox', [5, 5, 0, 9]), 'box without width or height in 1'),
    'fractions': (first('bbox', [0.1, 0.1, 0.3, 0.3]), 'given as fractions'),
    'swapped': (first('bbox', [50, 50, -9, -9]), 'corners of the box are swapped'),
    'nan': (first('bbox', [float('nan'), 1, 2, 2]), 'not made of finite numbers'),
    'text': (first('bbox', ['a', 1, 2, 2]), 'not made of finite numbers'),
    'short': (first('segmentation', [[1, 1, 2, 2]]), 'fewer than three points in 1'),
    'image_id': (first('image_id', 99), 'image_id unknown in 1'),
    'category_id': (first('category_id', 99), 'category_id unknown in 1'),
    'zero': (categories((0, 'x'), (1, 'cat'), (2, 'dog')), 'ids start at 0'),
    'gaps': (categories((1, 'cat'), (2, 'dog'), (9, 'x')), 'ids have gaps'),
    'unused': (categories((1, 'cat'), (2, 'dog'), (3, 'x')), "an object: 'x'"),
    'case': (categories((1, 'Dog'), (2, 'dog ')), 'differ only in case or blanks'),
    'few': (lambda content: None, 'fewer than 10'),
    'missing': (
        lambda content: content['images'][0].update(file_name='none.png'),
        'image missing in 1 of 4 images (none.png)',
    ),
    'size': (
        lambda content: content['images'][0].update(width=999),
        '0.png: 999x120, not 160x120',
    ),
    'empty': (lambda c: c['annotations'].pop(0), 'image without annotation in 1'),
    'twice': (
        lambda c: c['annotations'].append(dict(c['annotations'][0], id=9)),
        'object annotated twice in 1',
    ),
}


@pytest.mark.parametrize('change, said', COCO_FAULTS.values(), ids=[*COCO_FAULTS])
def test_faults_of_annotations_are_told_and_the_rest_is_used(tmp_path, change, said):
    found = read(coco(tmp_path, change), 'detection')
    assert said in '\n'.join(map(str, found.faults))
    assert len(found.samples) >= 3


def saved(mode, **options):
    def spoil(path):
        Image.open(path).convert(mode).save(path, **options)

    return spoil


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(path).save(path, exif=exif)


IMAGE_FAULTS = {
    'truncated': (lambda p: p.write_bytes(p.read_bytes()[:20000]), 'truncated'),
    'text': (lambda p: p.write_text('no image'), 'not an image in 1'),
    'nothing': (lambda p: p.write_bytes(b''), 'image file is empty'),
    'grey': (saved('L'), 'grey image'),
    'palette': (saved('P'), 'palette image'),
    'alpha': (saved('RGBA'), 'RGBA image'),
    'cmyk': (saved('CMYK', format='TIFF'), 'CMYK image'),
    'deep': (saved('I;16'), '16-bit image'),
    'exif': (turned, 'EXIF turns the image'),
    'copy': (
        lambda p: p.write_bytes(p.with_name('1.png').read_bytes()),
        'image twice by content in 1 of 4 images (1.png = 0.png)',
    ),
}


@pytest.mark.parametrize('spoil, said', IMAGE_FAULTS.values(), ids=[*IMAGE_FAULTS])
def test_faults_of_images_are_told(tmp_path, spoil, said):
    spoil(coco(tmp_path) / 'images/0.png')
    found = read(tmp_path, 'detection')
    assert said in '\n'.join(map(str, found.faults))


LINES = {
    'word': ('cat 0.5 0.5 0.1 0.1', 'neither a box nor a polygon'),
    'class': ('7 0.5 0.5 0.1 0.1', 'class number that has no name'),
    'pixels': ('0 50 50 10 10', 'pixels where fractions are expected'),
}


@pytest.mark.parametrize('line, said', LINES.values(), ids=[*LINES])
def test_a_bad_line_of_yolo_is_told_and_others_are_read(tmp_path, line, said):
    found = yolo(tmp_path, '0 0.5 0.5 0.2 0.2')
    with (found / 'labels/train/0.txt').open('a') as file:
        file.write(line)
    found = read(found, 'detection')
    assert said in '\n'.join(map(str, found.faults))
    assert all(len(sample.objects) == 1 for sample in found.samples)


def test_a_broken_xml_file_ends_nothing(tmp_path):
    (voc(tmp_path / 'data') / '0.xml').write_text('<annotation>')
    found = read(tmp_path / 'data', 'detection')
    assert len(found.samples) == 1 and 'cannot be read' in str(found.faults[0])


def test_the_same_image_in_train_and_val_is_a_leak(tmp_path):
    found = read(write_coco(tmp_path), 'detection')
    assert any('same image in two splits in 6' in str(f) for f in found.faults)
    assert {sample.split for sample in found.samples} == {'train', 'val'}


def test_boxes_drawn_before_the_image_was_turned_are_turned(tmp_path):
    turned(coco(tmp_path) / 'images/0.png')
    sample = read(tmp_path, 'detection').samples[0]
    assert sample.size == (HEIGHT, WIDTH)
    # what was left is at the top, what was at the bottom is left
    assert sample.objects[0].box == (HEIGHT - 60, 10, HEIGHT - 20, 70)


def test_boxes_alone_are_not_enough_for_instances(tmp_path):
    with pytest.raises(InputError, match='has boxes only, but instance'):
        read(voc(tmp_path / 'data'), 'instance')


@pytest.mark.parametrize('name', ['a.txt', 'a.zip'])
def test_what_is_not_recognised_is_told(tmp_path, name):
    (tmp_path / name).write_text('x')
    with pytest.raises(InputError, match=r'1 .*COCO json'):
        read(tmp_path, 'detection')
    if name.endswith('zip'):
        with pytest.raises(InputError, match='unpack it first'):
            read(tmp_path / name, 'detection')


def test_two_formats_at_once_are_refused(tmp_path):
    voc(coco(tmp_path) / 'more')
    with pytest.raises(InputError, match='COCO and Pascal VOC'):
        read(tmp_path, 'detection')


def test_masks_and_polygons_become_label_maps(tmp_path):
    drawn = read(coco(tmp_path / 'coco'), 'semantic')
    found = read(write_masks(tmp_path / 'masks'), 'semantic', names=['ground', 'box'])
    assert drawn.classes == ('background', 'cat', 'dog')
    for samples in (drawn, found):
        room.write_masks(samples, [0], tmp_path / 'out' / samples.classes[0])
    read_back = [Image.open(p) for p in sorted((tmp_path / 'out').rglob('*.png'))]
    assert [np.asarray(image).sum() for image in read_back] == [2400, 2400]
    assert all(image.mode == 'P' for image in read_back)


def test_folders_are_classes_within_splits(tmp_path):
    for split in ('train', 'valid'):
        for name in ('cat', 'dog'):
            write_images(tmp_path / split / name, 2)
    found = read(tmp_path, 'classification')
    assert found.classes == ('cat', 'dog')
    assert [s.label for s in found.samples] == ['cat'] * 2 + ['dog'] * 2 + [
        'cat'
    ] * 2 + ['dog'] * 2
    assert found.samples[-1].split == 'val'


def test_what_is_written_is_read_again(tmp_path):
    found = read(coco(tmp_path / 'a'), 'instance')
    room.write_coco(found, range(4), tmp_path / 'b/new.json')
    again = read(tmp_path / 'b/new.json', 'instance')
    assert again.samples == found.samples and again.classes == found.classes


def test_an_inspection_measures_what_is_resized(tmp_path):
    found = read(coco(tmp_path), 'detection')
    inspection = room.inspect(found, {'train': [0, 1], 'val': [2, 3]}, 320)
    content = json.loads(json.dumps(inspection.json))
    assert content['classes']['cat']['train'] == dict(count=1, images=1)
    assert content['sizes']['box width'] == [120] * 4
    inspection.picture(tmp_path / 'i.png')
    room.contact_sheet(found, tmp_path / 's.png')
    assert Image.open(tmp_path / 's.png').width == 4 * 488 + 8


def test_broken_json_is_named(tmp_path):
    (tmp_path / 'all.json').write_text('{"images": [')
    with pytest.raises(InputError, match=r'cannot be read in 1 of 1 file \(all.json\)'):
        read(tmp_path, 'detection')
