"""Annotations that a config reads are checked before a run, and repaired in a copy."""

import json
import re
from pathlib import Path

import noise
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData
from PIL import Image

from sepvit_mm.annotations import (
    read_coco,
)
from sepvit_mm.annotations.files import size_of
from sepvit_mm.check import check
from sepvit_mm.check.annotations import annotation_faults
from sepvit_mm.engine import annotations, evaluate, load_config, train
from sepvit_mm.engine.sources import coco_uses
from sepvit_mm.errors import InputError


@pytest.fixture
def coco(tmp_path):
    """A config of a detector, and a function that changes one of its files."""
    noise.write_coco(tmp_path / 'data')

    def edit(change, split: str = 'val') -> Path:
        path = tmp_path / f'data/annotations/{split}.json'
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return path

    def config(more: str = '', **options):
        path = noise.detector_config(
            tmp_path / 'config.py', tmp_path / 'data', more, **options
        )
        return load_config(path, work_dir=tmp_path / 'work')

    config.edit = edit
    return config


def faults_of(cfg: Config, *phases: str) -> list[annotations.Located]:
    reads = annotations.read_annotations(cfg, *phases)
    return [fault for read in reads for fault in read.faults]


def texts_of(cfg: Config) -> list[str]:
    return [str(located) for located in annotation_faults(cfg)]


def ids_from_0(content: dict) -> None:
    for index, annotation in enumerate(content['annotations']):
        annotation['id'] = index


def test_a_file_is_named_once_with_all_that_read_it(coco):
    cfg = coco()
    assert texts_of(cfg) == []
    path = coco.edit(ids_from_0)
    (text,) = texts_of(cfg)
    users = 'val_dataloader, test_dataloader, val_evaluator, test_evaluator'
    assert text.startswith(f'{path} ({users}): id 0 in 1 of 6 annotations')


def test_check_goes_on_with_what_it_can_repair(coco, tmp_path):
    for split in ('train', 'val'):
        coco.edit(lambda content: content['annotations'][0].pop('area'), split)
    report = check(coco(), on_data=True)
    assert {finding.check for finding in report.findings} == {'annotations'}
    assert report.unusable is None
    assert report.loss > 0
    assert not (tmp_path / 'work').exists()


def test_check_reports_faults_of_validation_data(coco):
    coco.edit(lambda content: content['categories'][1].update(name='Dog'))
    report = check(coco(), on_data=True)
    assert {f.check for f in report.findings} == {'annotations'}
    found = [f.message for f in report.findings]
    assert len(found) == 1
    assert "without 'dog' of metainfo.classes: it has 'Dog' for 'dog'" in found[0]


def test_without_names_those_of_coco_are_expected(coco):
    cfg = coco("train_dataloader['dataset'] = dict(dataset, metainfo=None)")
    (text,) = texts_of(cfg)
    assert "without 'person', 'bicycle', 'car', 'motorcycle', 'airplane'" in text
    assert '73 more of CocoDataset, which apply without metainfo.classes' in text


def test_a_single_class_without_a_comma_is_explained(coco):
    cfg = coco("metainfo['classes'] = ('cat')")
    with pytest.raises(InputError, match=r"classes is the text 'cat'.*\('cat',\)"):
        annotations.mend_annotations(cfg, 'train')


@pytest.mark.parametrize(
    'wrapped',
    [
        "dict(_delete_=True, type='RepeatDataset', times=2, dataset=inner)",
        "dict(_delete_=True, type='ConcatDataset', datasets=[inner, inner])",
        "dict(_delete_=True, type='MultiImageMixDataset', dataset=inner, pipeline=[])",
    ],
)
def test_files_inside_wrappers_are_read_and_repaired(wrapped, coco):
    path = coco.edit(ids_from_0, 'train')
    cfg = coco(f"""
inner = dict(
    type='CocoDataset', ann_file='annotations/train.json', **dataset,
    data_prefix=dict(img='images/train/'),
)
train_dataloader['dataset'] = {wrapped}
""")
    assert annotations.mend_annotations(cfg, 'train')
    (file,) = {use.file for use in coco_uses(cfg, 'train')}
    assert file != path
    assert min(entry['id'] for entry in read_coco(file)['annotations']) == 1


def test_an_evaluator_of_another_file_is_found(coco):
    def rename(content):
        for images in content.values():
            for entry in images:
                key = 'id' if 'file_name' in entry else 'image_id'
                entry[key] = entry.get(key, 0) + 100

    coco.edit(rename, 'train')
    cfg = coco("val_evaluator['ann_file'] = f'{data_root}/annotations/train.json'")
    texts = [text for text in texts_of(cfg) if '(val_evaluator)' in text]
    assert len(texts) == 1
    assert 'other images than those of val_dataloader: 6 are not in this' in texts[0]


def test_a_stack_of_images_has_no_size_to_compare(tmp_path):
    images = [Image.new('F', (5, 160)) for _ in range(3)]
    images[0].save(tmp_path / 'one.tif')
    images[0].save(tmp_path / 'stack.tif', save_all=True, append_images=images[1:])
    assert size_of(tmp_path / 'one.tif') == (5, 160)
    assert size_of(tmp_path / 'stack.tif') is None


def test_datasets_of_other_formats_are_left_alone(coco):
    init_default_scope('mmdet')
    coco.edit(lambda content: content.pop('categories'), 'train')
    for kind in ('LVISV1Dataset', 'Objects365V1Dataset', 'XMLDataset'):
        cfg = coco(f"train_dataloader['dataset'] = dict(dataset, type='{kind}')")
        assert [*coco_uses(cfg, 'val')]
        assert not [*coco_uses(cfg, 'train')]


def test_images_that_are_stored_elsewhere_are_not_looked_up(coco):
    coco.edit(lambda content: content['images'][2].update(file_name='absent.png'))
    (text,) = texts_of(coco())
    assert 'file_name without a file in 1 of 6 images (absent.png)' in text
    more = """
load = dict(type='LoadImageFromFile', backend_args=dict(backend='lmdb', db_path='x'))
for loader in (val_dataloader, test_dataloader):
    loader['dataset'] = dict(dataset, pipeline=[load])
"""
    assert texts_of(coco(more)) == []


def test_an_evaluator_may_have_more_images_than_are_predicted(coco, tmp_path):
    path = coco.edit(lambda content: None)
    few = json.loads(path.read_text())
    del few['images'][3:], few['annotations'][3:]
    (tmp_path / 'data/annotations/few.json').write_text(json.dumps(few))
    cfg = coco(
        "val_dataloader['dataset'] = dict(dataset, ann_file='annotations/few.json')"
    )
    (found,) = faults_of(cfg, 'val')
    assert '0 are not in this file, and 3 are only in it' in str(found)
    assert annotations.mend_annotations(cfg, 'val') == [str(found)]


def test_files_of_one_name_are_repaired_to_different_copies(coco, tmp_path):
    for split in ('train', 'val'):
        path = coco.edit(ids_from_0, split)
        (path.parents[1] / split).mkdir()
        path.rename(path.parents[1] / split / 'a.json')
    cfg = coco("""
for split, loader in dict(train=train_dataloader, val=val_dataloader).items():
    loader['dataset'] = dict(dataset, ann_file=f'{split}/a.json')
val_evaluator['ann_file'] = f'{data_root}/val/a.json'
""")
    annotations.mend_annotations(cfg, 'train', 'val')
    copies = {use.file for phase in ('train', 'val') for use in coco_uses(cfg, phase)}
    assert len(copies) == 2
    assert all(copy.parent == tmp_path / 'work/annotations' for copy in copies)


def test_data_without_objects_may_stand_beside_others(coco):
    coco.edit(lambda content: content.update(annotations=[]))
    more = """
parts = [
    dict(type='CocoDataset', ann_file=f'annotations/{split}.json', **dataset,
         data_prefix=dict(img=f'images/{split}/'))
    for split in SPLITS
]
whole = dict(_delete_=True, type='ConcatDataset', datasets=parts)
train_dataloader['dataset'] = whole
"""
    beside = coco(more.replace('SPLITS', "('train', 'val')"))
    assert faults_of(beside, 'train') == []
    assert faults_of(coco(more.replace('SPLITS', "('val',)")), 'train')


@MODELS.register_module()
class PerfectDetector(BaseModel):
    """Predicts what is annotated."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples, mode):
        for sample in data_samples:
            truth = sample.gt_instances
            sample.pred_instances = InstanceData(
                bboxes=truth.bboxes.tensor,
                labels=truth.labels,
                scores=torch.ones(len(truth)),
            )
        return data_samples


def test_perfect_predictions_have_an_ap_of_1_whatever_the_ids(
    coco, tmp_path, monkeypatch
):
    def strip(content):
        del content['annotations'][2:], content['images'][2:]
        for index, annotation in enumerate(content['annotations']):
            annotation['id'] = index
            del annotation['iscrowd'], annotation['area']
        del content['images'][0]['width']

    path = coco.edit(strip)
    before = path.read_bytes()
    cfg = coco("model = dict(_delete_=True, type='PerfectDetector')")
    checkpoint = tmp_path / 'perfect.pth'
    torch.save({'state_dict': PerfectDetector().state_dict()}, checkpoint)
    assert evaluate(cfg, checkpoint)['coco/bbox_mAP'] == 1
    log = next((tmp_path / 'work').rglob('*.log')).read_text()
    assert f'WARNING - {path} (test_dataloader, test_evaluator): iscrowd missing' in log
    assert f'the repaired copy of {path} is {tmp_path / "work/annotations"}' in log
    assert path.read_bytes() == before

    # and without the repair, one of two objects counts as missed
    coco.edit(lambda content: content['images'][0].update(width=noise.WIDTH))
    coco.edit(lambda content: [a.update(iscrowd=0, area=2400)
                               for a in content['annotations']])  # fmt: skip
    monkeypatch.setattr('sepvit_mm.engine.runs.mend_annotations', lambda *_: [])
    assert evaluate(cfg, checkpoint)['coco/bbox_mAP'] == 0.5


def test_training_repairs_what_it_can(coco, tmp_path):
    def strip(content):
        ids_from_0(content)
        for annotation in content['annotations']:
            del annotation['iscrowd'], annotation['area']

    paths = [coco.edit(strip, split) for split in ('train', 'val')]
    before = [path.read_bytes() for path in paths]
    runner = train(coco(), seed=0)
    assert runner.iter == 2
    assert [path.read_bytes() for path in paths] == before
    copies = [*(tmp_path / 'work/annotations').iterdir()]
    assert len(copies) == 2
    (log,) = (tmp_path / 'work').rglob('*.log')
    said = log.read_text()
    assert all(f'the repaired copy of {path} is ' in said for path in paths)
    assert all(str(copy) in said for copy in copies)
    assert said.count('iscrowd missing in 6 of 6 annotations') == 2


@pytest.mark.parametrize('split', ['train', 'val'])
def test_training_stops_before_it_begins_for_other_faults(split, coco, tmp_path):
    path = coco.edit(lambda content: content['annotations'][3].pop('bbox'), split)
    with pytest.raises(
        InputError, match=rf'{path} \({split}_.*: bbox not four numbers'
    ):
        train(coco())
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    'masks, more, users',
    [
        (False, '', None),
        (True, '', 'val_dataloader, test_dataloader, val_evaluator, test_evaluator'),
        (False, "val_evaluator['metric'] = ['bbox', 'segm']", 'val_evaluator'),
        (False, """
load = dict(type='LoadAnnotations', with_mask=1)
nested = dict(type='RandomApply', transforms=[load])
val_dataloader['dataset'] = dict(dataset, pipeline=[nested])
""", 'val_dataloader'),
    ],
    ids=range(4),
)  # fmt: skip
def test_masks_are_needed_where_they_are_loaded_or_evaluated(masks, more, users, coco):
    coco.edit(lambda content: content['annotations'][3].pop('segmentation'))
    texts = texts_of(coco(more, masks=masks))
    assert len(texts) == bool(users)
    for text in texts:
        assert f'({users}): segmentation missing in 1 of 6 annotations (4)' in text


@pytest.mark.parametrize(
    'more, files',
    [
        ("test_evaluator.update(format_only=True, outfile_prefix='x')", []),
        ("test_dataloader['dataset'] = dict(ann_file='s3://bucket/val.json')", []),
        ("test_dataloader['dataset'] = dict(backend_args=dict(backend='petrel'))", []),
        ("test_evaluator['ann_file'] = None", ['val.json']),
        ('', ['val.json']),
    ],
)
def test_only_local_files_that_are_evaluated_need_objects(more, files, coco):
    coco.edit(lambda content: content.pop('annotations'))
    found = faults_of(coco(more), 'test')
    assert [each.source.name for each in found] == files
    assert all(each.users == ('test_evaluator',) for each in found)


def test_a_missing_file_of_an_evaluator_stops_a_training(coco, tmp_path):
    cfg = coco("val_evaluator['ann_file'] = 'absent.json'")
    with pytest.raises(
        InputError, match=r'absent.json \(val_evaluator\): cannot be read'
    ):
        train(cfg)
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    'train_folders, val_folders, classes, message',
    [
        ('daisy rose .git', 'daisy rose', '', None),
        ('daisy rose', 'daisy Rose', '', "those of .*train, .* differs in 'Rose', 'ro"),
        ('daisy rose tulip', 'daisy tulip', '', "differs in 'rose'"),
        ('daisy rose', 'daisy Rose', "('daisy', 'rose')",
         r"\(val_dataloader.*order 'Rose', 'daisy', .*classes is 'daisy', 'rose'"),
        ('daisy rose', 'daisy rose', "('rose', 'daisy')", "order 'daisy', 'rose'"),
        ('n01 n02', 'n01 n02', "('tench', 'goldfish')", None),
    ],
    ids=range(6),
)  # fmt: skip
def test_folders_of_classes_have_one_order(
    train_folders, val_folders, classes, message, tmp_path
):
    for phase, folders in (('train', train_folders), ('val', val_folders)):
        for folder in folders.split():
            noise.write_images(tmp_path / phase / folder, 1)
    path = tmp_path / 'config.py'
    path.write_text(f"""
_base_ = {str(noise.CONFIGS / 'sepvit_lite_crowns.py')!r}
dataset = dict(
    _delete_=True, type='CustomDataset', data_root={str(tmp_path)!r},
    metainfo=dict({f'classes={classes}' if classes else ''}), pipeline=[],
)
train_dataloader = dict(dataset=dict(**dataset, data_prefix='train'))
val_dataloader = dict(dataset=dict(**dataset, data_prefix='val'))
test_dataloader = val_dataloader
""")
    texts = texts_of(load_config(path))
    assert bool(texts) == bool(message)
    assert message is None or re.search(message, texts[0]), texts


def test_an_evaluator_in_a_composition_is_found(coco):
    coco.edit(ids_from_0)
    more = """
metric = dict(type='CocoMetric', ann_file=f'{data_root}/annotations/val.json')
val_evaluator = dict(_delete_=True, type='Evaluator', metrics=[metric])
"""
    (fault,) = faults_of(coco(more), 'val')
    assert fault.users == ('val_dataloader', 'val_evaluator')
