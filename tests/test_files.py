"""Files of a folder are found, read and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import (
    write,
)

from sepvit_mm.samples.files import Index, files_below, read_text, split_of


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


def test_of_files_with_one_stem_those_near_are_preferred(tmp_path: Path) -> None:
    image, mask = tmp_path / 'JPEGImages/a.jpg', tmp_path / 'SegmentationClass/a.png'
    index = Index(tmp_path, [image, mask])
    assert index.find_stem('a') == [image, mask]
    assert index.find_stem('a', [tmp_path / 'JPEGImages']) == [image]
    assert index.find_stem('segmentationclass/a', [image.parent]) == [mask]
