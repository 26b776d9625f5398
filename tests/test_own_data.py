"""Every command of the page "Your own data" works, for each task, as it is typed."""

import json
import re
import shlex
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from annotated import TASKS
from commands import ROOT
from noise import HEIGHT, WIDTH, _box, write_images
from PIL import Image

from sepvit_mm.cli.main import main

PAGE = (ROOT / 'docs/own-data.md').read_text()
BLOCK = re.compile(r'^( *)```shell\n(.*?)^\1```', re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for _, block in BLOCK.findall(PAGE.partition('{ #change }')[0])
    for line in dedent(block).strip().splitlines()
]
# All that differs from what the page shows: a handful of steps instead of 12 minutes.
FEW_STEPS = {
    'new': ['--backbone', 'sepvit-lite'],
    'train': [
        *('--cfg-options', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2'),
        *('default_hooks.checkpoint.interval=2', 'train_dataloader.batch_size=2'),
        *('train_dataloader.num_workers=0', 'val_dataloader.num_workers=0'),
        'train_dataloader.persistent_workers=False',
        'val_dataloader.persistent_workers=False',
    ],
}


def pascal_voc(root: Path) -> None:
    (root / 'annotations').mkdir(parents=True)
    for index, name in enumerate(write_images(root / 'images')):
        left, top, width, height = _box(index)
        path = root / 'annotations' / Path(name).with_suffix('.xml')
        path.write_text(
            f'<annotation><filename>{name}</filename><object><name>cat</name><bndbox>'
            f'<xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{left + width}</xmax>'
            f'<ymax>{top + height}</ymax></bndbox></object></annotation>'
        )


def labelme(root: Path) -> None:
    for index, name in enumerate(write_images(root)):
        left, top, width, height = _box(index)
        right, bottom = left + width, top + height
        points = [[left, top], [right, top], [right, bottom], [left, bottom]]
        shape = dict(label='cat', points=points, shape_type='polygon')
        content = dict(imagePath=name, shapes=[shape])
        (root / name).with_suffix('.json').write_text(json.dumps(content))


def label_maps(root: Path) -> None:
    (root / 'masks').mkdir(parents=True)
    (root / 'classes.txt').write_text('ground\nbox\n')
    for index, name in enumerate(write_images(root / 'images')):
        left, top, width, height = _box(index)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        labels[top : top + height, left : left + width] = 1
        Image.fromarray(labels).save(root / 'masks' / name)


def class_folders(root: Path) -> None:
    for index, name in enumerate(write_images(root)):
        folder = root / ('cat', 'dog')[index % 2]
        folder.mkdir(exist_ok=True)
        (root / name).rename(folder / name)


LAYOUTS = dict(zip(TASKS, (pascal_voc, labelme, label_maps, class_folders)))


def commands_for(task: str) -> list[list[str]]:
    """Return the arguments of the page's commands for a task, in its order."""
    found = []
    for line in COMMANDS:
        program, name, *arguments = shlex.split(line)
        assert program == 'sepvit-mm'
        if name != 'new' or arguments[arguments.index('--task') + 1] == task:
            found.append([name, *arguments])
    return found


@pytest.mark.parametrize('task', TASKS)
def test_the_commands_lead_from_a_folder_to_a_report(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LAYOUTS[task](tmp_path / 'photos')
    write_images(tmp_path / 'other_photos', 2)
    names = []
    for name, *arguments in commands_for(task):
        if name == 'new':
            at = arguments.index('--minutes')
            del arguments[at : at + 2]
        assert main([name, *arguments, *FEW_STEPS.get(name, [])]) == 0, name
        names.append(name)
    assert names == ['new', 'train', 'test', 'predict', 'report']
    for path in re.findall(r'`(project/[\w/]+\.\w+)`', PAGE):
        assert (tmp_path / path).is_file(), path
    assert len([*(tmp_path / 'project/predictions/pictures').iterdir()]) == 2
