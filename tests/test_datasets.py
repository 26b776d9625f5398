"""The promises of the prepared datasets, on small wheels made here."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO
from synthetic import BOXES, discs, voc

from sepvit_mm.datasets import (
    DATASETS,
    Dataset,
    DatasetError,
    archives,
    build,
    count,
    crowns,
    nuclei,
    photos,
    prepare,
    trees,
)
from sepvit_mm.datasets.archives import ArchiveSource
from sepvit_mm.datasets.tiling import Tile
from sepvit_mm.errors import InputError

TOOL = Path(__file__).parents[1] / 'tools' / 'prepare_dataset.py'


@pytest.fixture
def tree_files() -> dict[str, bytes]:
    return synthetic.tree_files()


@pytest.fixture
def wheel(tmp_path: Path, tree_files: dict[str, bytes]) -> Path:
    path = tmp_path / 'deepforest-0-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as archive:
        for name, contents in tree_files.items():
            archive.writestr(name, contents)
        archive.writestr('deepforest/__init__.py', 'raise SystemError')
    return path


@pytest.fixture
def dataset(wheel: Path, tree_files: dict[str, bytes]) -> Dataset:
    """A dataset of two scenes whose pinned digest is the test wheel's."""
    source = ArchiveSource(
        'deepforest',
        '0',
        dict.fromkeys(tree_files),
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
    )
    write = partial(
        trees.write,
        scenes={'train': ('meadow',), 'val': ('wood',)},
        tile_size=60,
        overlap=12,
    )
    return Dataset(source, trees.LICENSE, write)


def listing(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


# --- wheels ---------------------------------------------------------------------


def test_broken_wheel_is_refused_and_leaves_nothing(dataset, wheel, tmp_path):
    expected = dataset.source.sha256
    wheel.write_bytes(wheel.read_bytes() + b'x')
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with pytest.raises(DatasetError) as error:
        build(dataset, tmp_path / 'data' / 'trees', wheel)
    for part in ('deepforest==0', wheel.name, expected, found):
        assert part in str(error.value)
    assert list(tmp_path.iterdir()) == [wheel]


def test_broken_member_is_refused_where_wheels_differ_by_platform(wheel, tmp_path):
    member = f'{trees.DATA}/wood.xml'
    source = ArchiveSource('deepforest', '0', {member: '0' * 64})
    with pytest.raises(DatasetError, match=f'deepforest==0: {member} has sha256'):
        build(Dataset(source, member, trees.write), tmp_path / 'data' / 't', wheel)
    assert list(tmp_path.iterdir()) == [wheel]


def test_no_file_goes_unchecked():
    with pytest.raises(ValueError, match=r'b\.png'):
        ArchiveSource('project', '1', {'a.png': '0' * 64, 'b.png': None})
    for dataset in DATASETS.values():
        assert dataset.license in dataset.source.members


@pytest.mark.parametrize('contents', [None, b'no zip archive'])
def test_unreadable_wheel_is_one_clear_error(tmp_path, contents):
    path = tmp_path / 'stardist.whl'
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(
        DatasetError, match=r'stardist==0\.9\.2: cannot read .*stardist'
    ):
        prepare('nuclei', tmp_path / 'data', path)
    assert not (tmp_path / 'data').exists()


def test_wheel_without_a_member_is_one_clear_error(tmp_path, wheel):
    with pytest.raises(DatasetError, match=r'stardist==0\.9\.2: .*img2d\.tif'):
        prepare('nuclei', tmp_path / 'data', wheel)


def test_wheel_comes_from_pip_uninstalled(dataset, wheel, tmp_path, monkeypatch):
    def pip(command):
        assert command[:4] == [sys.executable, '-m', 'pip', 'download']
        assert command[-1] == 'deepforest==0'
        assert {'--no-deps', '--only-binary=:all:'} <= set(command)
        folder = Path(command[command.index('--dest') + 1])
        (folder / wheel.name).write_bytes(wheel.read_bytes())
        downloads.append(folder)
        return subprocess.CompletedProcess(command, 0)

    downloads = []
    monkeypatch.setattr(archives.subprocess, 'run', pip)
    folder = build(dataset, tmp_path / 'downloaded')
    assert not downloads[0].exists()
    assert listing(folder) == listing(build(dataset, tmp_path / 'given', wheel))


def test_failing_pip_is_one_clear_error_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        archives.subprocess,
        'run',
        lambda command: subprocess.CompletedProcess(command, 1),
    )
    with pytest.raises(DatasetError, match=r'deepforest==2\.1\.0: pip .*--wheel'):
        prepare('trees', tmp_path / 'data')
    assert not (tmp_path / 'data').exists()


# --- building -------------------------------------------------------------------


def test_prepared_dataset_is_left_alone(dataset, wheel, tmp_path):
    folder = build(dataset, tmp_path / 'trees', wheel)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob('*')}
    wheel.unlink()
    assert build(dataset, folder, wheel) == folder
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob('*')}


def test_same_wheel_gives_the_same_files(dataset, wheel, tmp_path):
    first, second = (build(dataset, tmp_path / name, wheel) for name in 'ab')
    assert listing(first) == listing(second)
    assert (first / 'LICENSE').read_bytes() == b'the licence'


def test_interrupted_preparation_is_redone(dataset, wheel, tmp_path):
    def interrupted(files, folder):
        dataset.write(files, folder)
        raise KeyboardInterrupt

    folder = tmp_path / 'trees'
    with pytest.raises(KeyboardInterrupt):
        build(Dataset(dataset.source, dataset.license, interrupted), folder, wheel)
    assert list(tmp_path.iterdir()) == [wheel]
    # What a killed process, which cannot clean up, leaves.
    (tmp_path / '.trees.partial').mkdir()
    (tmp_path / '.trees.partial' / 'rest').touch()
    build(dataset, folder, wheel)
    assert sorted(tmp_path.iterdir()) == [wheel, folder]
    assert not (folder / 'rest').exists()


def test_foreign_folder_is_neither_used_nor_removed(dataset, wheel, tmp_path):
    (tmp_path / 'trees').mkdir()
    (tmp_path / 'trees' / 'photo.jpg').touch()
    with pytest.raises(DatasetError, match='trees exists and is not a complete'):
        build(dataset, tmp_path / 'trees', wheel)
    assert (tmp_path / 'trees' / 'photo.jpg').exists()


def test_unknown_name_lists_the_datasets(tmp_path):
    with pytest.raises(DatasetError, match=r"'birds'.*trees, nuclei"):
        prepare('birds', tmp_path)


def test_what_ends_commands_in_a_message_catches_these_errors_too(tmp_path):
    with pytest.raises(InputError, match='birds'):
        prepare('birds', tmp_path)
    with pytest.raises(InputError, match=r'absent\.whl'):
        prepare('trees', tmp_path, tmp_path / 'absent.whl')


def test_tool_ends_with_one_line_on_a_bad_wheel(wheel, tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            TOOL,
            'trees',
            '--data-root',
            tmp_path / 'data',
            '--wheel',
            wheel,
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith('error: deepforest==2.1.0: ')
    assert 'Traceback' not in result.stderr


# --- tiles ----------------------------------------------------------------------


@st.composite
def scenes(draw):
    """A rectangle, a tile size, an overlap and boxes inside the rectangle."""
    left, top = draw(st.integers(0, 50)), draw(st.integers(0, 50))
    right, bottom = left + draw(st.integers(1, 300)), top + draw(st.integers(1, 300))
    size = draw(st.integers(8, 120))
    overlap = draw(st.integers(1, size // 2))
    boxes = []
    for _ in range(draw(st.integers(1, 5))):
        x, y = draw(st.integers(left, right - 1)), draw(st.integers(top, bottom - 1))
        boxes.append(
            (x, y, draw(st.integers(x + 1, right)), draw(st.integers(y + 1, bottom)))
        )
    return Tile(left, top, right, bottom), size, overlap, boxes


@given(scenes())
def test_held_out_tiles_show_every_pixel_and_count_every_box_once(scene):
    region, size, _, boxes = scene
    tiles = region.split(size)
    shown = np.zeros((region.bottom, region.right), int)
    for tile in tiles:
        assert 0 < tile.width <= size and 0 < tile.height <= size
        tile.crop(shown)[...] += 1
    assert (region.crop(shown) == 1).all() and shown.sum() == region.crop(shown).size
    for box in boxes:
        owners = [tile for tile in tiles if tile.owns(box)]
        assert len(owners) == 1 and owners[0].clip(box) is not None
        parts = [part for tile in tiles if (part := tile.clip(box))]
        assert sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in parts) == (
            box[2] - box[0]
        ) * (box[3] - box[1])


@given(scenes())
def test_training_tiles_show_every_box_whole_that_fits_the_overlap(scene):
    region, size, overlap, boxes = scene
    tiles = region.split(size, overlap)
    shown = np.zeros((region.bottom, region.right), bool)
    for tile in tiles:
        assert 0 < tile.width <= size and 0 < tile.height <= size
        tile.crop(shown)[...] = True
    assert region.crop(shown).all() and shown.sum() == region.crop(shown).size
    for left, top, right, bottom in boxes:
        if right - left <= overlap and bottom - top <= overlap:
            assert any(
                tile.clip((left, top, right, bottom))
                == (
                    left - tile.left,
                    top - tile.top,
                    right - tile.left,
                    bottom - tile.top,
                )
                for tile in tiles
            )


@pytest.mark.parametrize('overlap', [-1, 8, 9])
def test_impossible_overlap_is_refused(overlap):
    with pytest.raises(ValueError, match=f'overlap {overlap} and size 8'):
        Tile(0, 0, 20, 20).split(8, overlap)


# --- trees ----------------------------------------------------------------------


def test_all_labels_of_a_voc_file_are_trees():
    boxes = [(1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)]
    assert trees.read_voc_boxes(voc(boxes, ('Alive', 'Dead', 'Tree'))) == boxes


def test_trees_are_cut_out_where_they_stand(dataset, tree_files, wheel, tmp_path):
    folder = build(dataset, tmp_path / 'trees', wheel)
    with Image.open(io.BytesIO(tree_files[f'{trees.DATA}/wood.png'])) as image:
        scene = np.asarray(image)
    coco = COCO(folder / 'annotations' / 'val.json')
    assert coco.loadCats(1) == [{'id': 1, 'name': 'tree'}]
    found = {0: [], 1: []}
    for annotation in coco.loadAnns(coco.getAnnIds()):
        (image,) = coco.loadImgs(annotation['image_id'])
        stem, x, y = Path(image['file_name']).stem.split('_')
        tile = np.asarray(Image.open(folder / 'images' / 'val' / image['file_name']))
        left, top = int(x[1:]), int(y[1:])
        height, width = tile.shape[:2]
        assert (stem, width, height) == ('wood', image['width'], image['height'])
        assert (tile == scene[top : top + height, left : left + width]).all()
        x, y, w, h = annotation['bbox']
        assert annotation['area'] == w * h
        found[annotation['iscrowd']].append(
            (left + x, top + y, left + x + w, top + y + h)
        )
    # Column 50 parts the 100 pixels wide scene into tiles, and the second tree.
    assert sorted(found[0]) == [(5, 5, 15, 15), (50, 10, 62, 20)]
    assert found[1] == [(48, 10, 50, 20)]


# --- nuclei ---------------------------------------------------------------------


@pytest.fixture(scope='module')
def nuclei_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('nuclei')
    nuclei.write(
        synthetic.nuclei_files(), folder, split_at=75, tile_size=50, overlap=16
    )
    return folder


@pytest.mark.parametrize('split', ['train', 'val'])
def test_masks_survive_the_round_trip_through_coco(nuclei_folder, split):
    labels = discs()
    coco = COCO(nuclei_folder / 'annotations' / f'{split}.json')
    assert coco.loadCats(1) == [{'id': 1, 'name': 'nucleus'}]
    for image in coco.loadImgs(coco.getImgIds()):
        _, x, y = Path(image['file_name']).stem.split('_')
        left, top = int(x[1:]), int(y[1:])
        truth = labels[top : top + image['height'], left : left + image['width']]
        decoded = {}
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image['id'])):
            mask = coco.annToMask(annotation).astype(bool)
            (label,) = np.unique(truth[mask])
            decoded[label] = mask
            assert annotation['area'] == mask.sum()
            rows, columns = np.nonzero(mask)
            assert annotation['bbox'] == [
                columns.min(),
                rows.min(),
                np.ptp(columns) + 1,
                np.ptp(rows) + 1,
            ]
        assert set(decoded) == set(np.unique(truth[truth > 0]))
        for label, mask in decoded.items():
            assert (mask == (truth == label)).all()
        foreground = Image.open(nuclei_folder / 'masks' / split / image['file_name'])
        assert foreground.mode == 'L'
        assert (np.asarray(foreground) == (truth > 0)).all()


def test_splits_of_nuclei_share_no_pixel_and_held_out_ones_count_once(nuclei_folder):
    labels = discs()
    centres = [np.nonzero(labels == label)[1] for label in range(1, labels.max() + 1)]
    held_out = sum(int(x.min() + x.max() + 1 >= 2 * 75) for x in centres)
    assert count(nuclei_folder)['val'][1] == held_out
    for split, columns in (('train', (0, 75)), ('val', (75, 128))):
        path = nuclei_folder / 'annotations' / f'{split}.json'
        images = json.loads(path.read_text())['images']
        lefts = {i['file_name']: int(i['file_name'].split('_')[1][1:]) for i in images}
        assert min(lefts.values()) == columns[0]
        assert max(lefts[i['file_name']] + i['width'] for i in images) == columns[1]


def test_intensities_are_mapped_alike_in_every_image():
    values = np.array([[0, 1, 4, 24, 235, 255, 256, 65535]], np.uint16)
    assert nuclei.to_8_bit(values).tolist() == [[0, 16, 32, 78, 245, 255, 255, 255]]


def test_crowns_are_as_many_with_a_tree_as_without(tree_files, tmp_path):
    crowns.write(
        tree_files, tmp_path, scenes={'train': ('meadow',), 'val': ('wood',)}, size=24
    )
    objects = {'train': len(BOXES['meadow']), 'val': len(BOXES['wood'])}
    assert count(tmp_path) == {split: (2 * n, n) for split, n in objects.items()}
    for split, name in (('train', 'meadow'), ('val', 'wood')):
        path = tmp_path / 'annotations' / f'{split}.json'
        content = json.loads(path.read_text())
        assert content['metainfo']['classes'] == ['ground', 'tree']
        labels = [entry['gt_label'] for entry in content['data_list']]
        assert labels.count(0) == labels.count(1) == len(BOXES[name])
        with Image.open(io.BytesIO(tree_files[f'{trees.DATA}/{name}.png'])) as image:
            scene = np.asarray(image.convert('RGB'))
        places = np.lib.stride_tricks.sliding_window_view(scene, (24, 24), axis=(0, 1))
        for entry in content['data_list']:
            with Image.open(tmp_path / 'images' / split / entry['img_path']) as image:
                crop = np.asarray(image).transpose(2, 0, 1)
            found = np.argwhere((places == crop).all(axis=(2, 3, 4)))
            assert len(found) == 1
            top, left = found[0]
            in_middle = [
                left + 6 < box[2]
                and box[0] < left + 18
                and top + 6 < box[3]
                and box[1] < top + 18
                for box in BOXES[name]
            ]
            assert any(in_middle) == bool(entry['gt_label']) or _at_border(top, left)


def _at_border(top: int, left: int) -> bool:
    """Whether a crop of 24 was moved inside a scene of 110 x 100."""
    return top in (0, 110 - 24) or left in (0, 100 - 24)


# --- photos ---------------------------------------------------------------------


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    path = tmp_path / 'labelme-6.3.1.tar.gz'
    with tarfile.open(path, 'w:gz') as archive:
        for name in photos.SOURCE.members:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))  # its name is its content
    return path


def photo_set(sdist: Path) -> Dataset:
    """The photos, with the digest of a test archive."""
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    return replace(DATASETS['photos'], source=replace(photos.SOURCE, sha256=digest))


def test_photos_are_written_as_their_tools_wrote_them(sdist, tmp_path):
    folder = build(photo_set(sdist), tmp_path / 'photos', sdist)
    written = listing(folder)
    assert written.pop(Path('LICENSE')) == photos.LICENSE.encode()
    assert {content.decode() for content in written.values()} == {*photos.PLACES}
    for path, content in written.items():
        assert path.name == Path(content.decode()).name
    images, boxes = (folder / 'voc_xml' / n for n in ('JPEGImages', 'Annotations'))
    assert {p.stem for p in images.iterdir()} == {p.stem for p in boxes.iterdir()}
    assert all(p.with_suffix('.jpg').is_file() for p in folder.rglob('*.json'))
    three = dict.fromkeys(('labelme', 'masks', 'voc_xml'), (3, None))
    assert count(folder) == {'classes': (2, None), **three}


def test_photos_are_complete_only_with_every_file(sdist, tmp_path):
    photo = photo_set(sdist)
    folder = build(photo, tmp_path / 'photos', sdist)
    assert build(photo, folder, tmp_path / 'absent') == folder
    (folder / 'classes/dog/0002.jpg').unlink()
    with pytest.raises(DatasetError, match='photos exists and is not a complete'):
        build(photo, folder, sdist)


def test_source_archive_comes_from_pip(sdist, tmp_path, monkeypatch):
    def pip(command):
        assert '--no-binary=:all:' in command and '--only-binary=:all:' not in command
        target = Path(command[command.index('--dest') + 1]) / sdist.name
        target.write_bytes(sdist.read_bytes())
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(archives.subprocess, 'run', pip)
    first = build(photo_set(sdist), tmp_path / 'a')
    assert listing(first) == listing(build(photo_set(sdist), tmp_path / 'b', sdist))


@pytest.mark.parametrize('is_empty', [False, True], ids=['no archive', 'empty'])
def test_unreadable_source_archive_is_one_clear_error(sdist, tmp_path, is_empty):
    if is_empty:
        tarfile.open(sdist, 'w:gz').close()
    else:
        sdist.write_bytes(b'no archive')
    with pytest.raises(DatasetError, match=r'labelme==6\.3\.1: cannot read .*labelme'):
        build(photo_set(sdist), tmp_path / 'photos', sdist)
    assert [*tmp_path.iterdir()] == [sdist]
