"""An exported model says what the model says, at any size, without PyTorch."""

from __future__ import annotations

import ast
import copy
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from annotated import TASKS
from commands import message_in, run_script
from noise import config_of_each_task
from PIL import Image

from sepvit_mm import LITv2
from sepvit_mm.check import random_batch
from sepvit_mm.cli.main import main
from sepvit_mm.deploy import evaluate_exported, exporting
from sepvit_mm.deploy.exporting import write_graph
from sepvit_mm.deploy.folder import read_description
from sepvit_mm.deploy.graphs import Graph, graph_of
from sepvit_mm.deploy.model import ExportedModel
from sepvit_mm.deploy.preparation import preparation_of
from sepvit_mm.deploy.session import open_session
from sepvit_mm.engine import build_model, evaluate, load_config
from sepvit_mm.errors import InputError

# As small as the necks and heads of the narrow models allow.
ARCH = dict(
    embed_dims=[32, 64, 128, 256],
    depths=[1, 1, 1, 1],
    num_heads=[1, 2, 4, 8],
    window_sizes=[[7]] * 4,
    _delete_=True,
)
SURE_OF_LITTLE = {
    'detection': dict(test_cfg=dict(score_thr=0.005)),
    'instance': dict(test_cfg=dict(rcnn=dict(score_thr=0.005))),
}


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """A config and a checkpoint for each task; boxes and scores differ widely."""
    root = tmp_path_factory.mktemp('trained')
    found = {}
    for task, base in config_of_each_task(root).items():
        more = dict(backbone=dict(arch=ARCH), **SURE_OF_LITTLE.get(task, {}))
        config = root / f'small_{task}.py'
        config.write_text(f'_base_ = {str(base)!r}\nmodel = {more!r}\n')
        model = build_model(load_config(config))
        torch.manual_seed(0)
        for name, value in model.state_dict().items():
            if name.endswith('weight') and value.dim() > 1:
                value.normal_(std=value[0].numel() ** -0.5)
        checkpoint = root / f'{task}.pth'
        torch.save({'state_dict': model.state_dict()}, checkpoint)
        found[task] = config, checkpoint
    return found


@pytest.mark.parametrize('task', TASKS)
def test_a_graph_says_what_the_model_says(task, trained):
    config, checkpoint = trained[task]
    cfg = load_config(config)
    model = build_model(cfg).eval()
    model.load_state_dict(torch.load(checkpoint)['state_dict'])
    batch = random_batch(cfg.default_scope, (90, 130))
    with torch.no_grad():
        samples = model.test_step(copy.deepcopy(batch))
        images = model.data_preprocessor(batch, False)['inputs']
        outputs = run(graph_of(model), images, [(90, 130)] * 2)
    for index, sample in enumerate(samples):
        if task == 'classification':
            assert torch.equal(outputs['scores'][index], sample.pred_score)
        elif task == 'semantic':
            logits = outputs['logits'][index, :, :90, :130]
            torch.testing.assert_close(logits, sample.seg_logits.data)
        else:
            own = outputs['image'] == index
            objects = sample.pred_instances
            assert len(objects) == own.sum() > 5
            torch.testing.assert_close(outputs['boxes'][own], objects.bboxes)
            torch.testing.assert_close(outputs['scores'][own], objects.scores)
            assert torch.equal(outputs['labels'][own], objects.labels)


def run(graph: Graph, images: torch.Tensor, sizes: list) -> dict[str, torch.Tensor]:
    inputs = [images, torch.tensor(sizes)][: len(graph.inputs)]
    return dict(zip(graph.outputs, graph(*inputs)))


def require_close(found: dict, wanted: dict) -> None:
    """Compare outputs; objects whose scores are nearly equal may be in any order."""
    assert {name: each.shape for name, each in found.items()} == {
        name: each.shape for name, each in wanted.items()
    }
    if 'boxes' in wanted:
        distance = np.abs(found['boxes'][:, None] - wanted['boxes']).max(axis=2)
        for name in ('labels', 'image'):
            distance[found[name][:, None] != wanted[name]] = np.inf
        order = distance.argmin(axis=0)
        assert sorted(order) == [*range(len(order))]
        found = {name: each[order] for name, each in found.items()}
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=2e-3, rtol=1e-3)


@pytest.fixture(scope='module')
def exported(trained, tmp_path_factory) -> dict[str, Path]:
    """An ONNX folder for each task, as the command writes it."""
    root = tmp_path_factory.mktemp('exported')
    for task, (config, checkpoint) in trained.items():
        assert main(['export', str(config), str(checkpoint), str(root / task)]) == 0
    return {task: root / task for task in trained}


@pytest.mark.parametrize('task', TASKS)
def test_onnx_says_what_the_graph_says_at_any_size(task, trained, exported):
    config, checkpoint = trained[task]
    model = build_model(load_config(config)).eval()
    model.load_state_dict(torch.load(checkpoint)['state_dict'])
    graph = graph_of(model)
    session = open_session(exported[task], read_description(exported[task]))
    for shape in ((1, 3, 64, 96), (2, 3, 225, 260), (3, 3, 353, 320)):
        images = torch.randn(shape)
        sizes = [(shape[2] - 3, shape[3] - index) for index in range(shape[0])]
        with torch.no_grad():
            wanted = run(graph, images, sizes)
        inputs = {'images': images.numpy(), 'sizes': np.array(sizes)}
        found = session({name: inputs[name] for name in graph.inputs})
        require_close(found, {name: each.numpy() for name, each in wanted.items()})


@pytest.mark.parametrize('task', TASKS)
def test_metrics_are_those_of_the_checkpoint(task, trained, exported, tmp_path):
    config, checkpoint = trained[task]
    cfg = load_config(config, work_dir=tmp_path)
    wanted = evaluate(cfg, checkpoint)
    found = evaluate_exported(cfg, exported[task])
    assert wanted and found == pytest.approx(wanted, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize('task', TASKS)
def test_the_script_predicts_a_photograph(task, exported, tmp_path):
    photo = tmp_path / 'photo ü.jpg'
    pixels = np.random.default_rng(0).integers(0, 255, (80, 120, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(photo)
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no image')
    script = exported[task] / 'predict.py'
    said = run_script(script, photo, '--out', 'out', cwd=tmp_path)
    assert '1 images predicted, 0 failed' in said
    found = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert found[str(photo)]
    with Image.open(tmp_path / 'out/photo ü.png') as picture:
        assert picture.size == (120, 80)


def test_the_script_is_short_and_needs_no_pytorch_for_onnx(exported):
    source = (exported['instance'] / 'predict.py').read_text()
    assert len(source.splitlines()) < 150
    top = [
        n for n in ast.parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    modules = {
        (n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split('.')[0]
        for n in top
    }
    assert modules - {*sys.stdlib_module_names} == {'numpy', 'PIL'}


def test_the_folder_says_what_the_model_needs(trained, exported):
    checkpoint = trained['detection'][1]
    folder = exported['detection']
    about = json.loads((folder / 'model.json').read_text())
    assert about['classes'] == ['cat', 'dog'] and about['size'] is None
    assert about['preparation']['channels'] == 'RGB'
    assert about['preparation']['pad_multiple'] == 32
    assert about['weights']['name'] == checkpoint.name
    assert len(about['weights']['sha256']) == len(about['config']['sha256']) == 64
    card = (folder / 'README.md').read_text()
    assert 'cat, dog' in card and 'pip install numpy pillow onnxruntime' in card
    assert {path.name for path in folder.iterdir()} == {
        *('model.onnx', 'model.json', 'predict.py', 'README.md')
    }


def test_openvino_says_what_onnx_says(trained, exported, tmp_path):
    config, checkpoint = trained['detection']
    folder = tmp_path / 'openvino'
    options = ['--format', 'openvino', '--size', '96', '128']
    assert main(['export', str(config), str(checkpoint), str(folder), *options]) == 0
    assert read_description(folder).size == (96, 128)
    inputs = {
        'images': np.random.default_rng(0).normal(size=(2, 3, 96, 128)),
        'sizes': np.array([[96, 128], [90, 120]]),
    }
    inputs['images'] = inputs['images'].astype(np.float32)
    found, wanted = (
        open_session(each, read_description(each))(inputs)
        for each in (folder, exported['detection'])
    )
    require_close(found, wanted)


def test_a_backbone_alone_is_recorded_for_any_size(trained, tmp_path):
    config, checkpoint = trained['classification']
    folder = tmp_path / 'maps'
    options = ['--format', 'torch', '--backbone-only']
    assert main(['export', str(config), str(checkpoint), str(folder), *options]) == 0
    about = read_description(folder)
    assert (about.task, about.least) == ('features', 225)
    assert not (folder / 'predict.py').exists()
    model = build_model(load_config(config)).eval()
    model.load_state_dict(torch.load(checkpoint)['state_dict'])
    images = torch.randn(3, 3, 250, 301)
    found = open_session(folder, about)({'images': images.numpy()})
    with torch.no_grad():
        for name, each in zip(about.outputs, model.backbone(images)):
            torch.testing.assert_close(torch.from_numpy(found[name]), each)
    with pytest.raises(InputError, match='a backbone alone, which has no metrics'):
        evaluate_exported(load_config(config), folder)


def test_deformable_merging_is_an_operator_of_onnx(tmp_path):
    arch = dict(ARCH, window_sizes=[0, 0, 2, 1])
    arch.pop('_delete_')
    model = LITv2(arch).eval()
    for stage in model.stages[1:]:
        torch.nn.init.normal_(stage.embed.offset.weight, std=0.1)  # it starts at zero
    graph = graph_of(model)
    write_graph(graph, tmp_path / 'model.onnx', 'onnx', None)
    kinds = [n.op_type for n in onnx.load(tmp_path / 'model.onnx').graph.node]
    assert kinds.count('DeformConv') == 3
    session = onnxruntime.InferenceSession(tmp_path / 'model.onnx')
    images = torch.randn(2, 3, 100, 131)
    found = session.run(None, {'images': images.numpy()})
    with torch.no_grad():
        for wanted, got in zip(graph(images), found):
            torch.testing.assert_close(
                torch.from_numpy(got), wanted, atol=1e-4, rtol=1e-4
            )


def test_an_image_of_another_size_than_the_model_is_for_is_refused(exported):
    model = ExportedModel.__new__(ExportedModel)
    torch.nn.Module.__init__(model)
    about = read_description(exported['classification'])
    model.description = replace(about, size=(64, 64))
    with pytest.raises(InputError, match=r'images of \(64, 64\), .* as \(64, 96\)'):
        model(torch.zeros(1, 3, 64, 96), [])


PIPELINES = {
    "dict(type='Resize', scale=(640, 480), keep_ratio=True)": ('fit', 640, 480),
    "dict(type='Resize', scale=(64, 48))": ('exact', 64, 48),
    "dict(type='Resize', scale_factor=0.5, keep_ratio=True)": ('factor', 0.5, 0),
    "dict(type='ResizeEdge', scale=256, edge='short')": ('short_edge', 256, 0),
}


@pytest.mark.parametrize('transform', PIPELINES)
def test_the_rule_of_resizing_is_that_of_the_test_pipeline(transform, trained):
    config, _ = trained['detection']
    more = config.with_name('resized.py')
    load, pack = "dict(type='LoadImageFromFile')", "dict(type='PackDetInputs')"
    pipeline = f'[{load}, {transform}, {pack}]'
    more.write_text(
        f'_base_ = {str(config)!r}\ntest_dataloader = dict(dataset=dict(_delete_=True, '
        f"type='CocoDataset', pipeline={pipeline}))\n"
    )
    cfg = load_config(more)
    rule = preparation_of(cfg, build_model(cfg))
    assert (rule.resize, rule.width, rule.height) == PIPELINES[transform]


def test_a_missing_package_is_named(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, 'find_spec', lambda name: None)
    config, checkpoint = map(str, trained['detection'])
    assert main(['export', config, checkpoint, str(tmp_path / 'new')]) == 2
    message = message_in(capsys.readouterr().err)
    assert 'onnx and onnxscript: pip install "sepvit_mm[export]"' in message


def test_what_cannot_be_exported_is_said(trained, exported, tmp_path, capsys):
    config, checkpoint = map(str, trained['detection'])
    assert main(['export', config, checkpoint, str(exported['detection'])]) == 2
    assert 'exists already' in message_in(capsys.readouterr().err)
    with pytest.raises(InputError, match='Linear cannot be exported'):
        graph_of(torch.nn.Linear(1, 1))
