"""Each format recognises its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from layouts import (
    LINE,
    Files,
    coco_json,
    write,
    xml,
)

from sepvit_mm.samples.formats import coco, voc, yolo


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
