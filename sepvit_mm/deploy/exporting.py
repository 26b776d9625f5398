"""Export a model: from a config and a checkpoint to a folder that needs neither."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import nn
from torch.export import Dim, ExportedProgram

from ..atomic import written_whole
from ..backbones.arch import require_one_of
from ..checkpoints.whole import load_entirely
from ..engine.config import is_address
from ..engine.metainfo import meta_of
from ..engine.models import build_model
from ..engine.runs import checkpoint_in
from ..errors import InputError
from ..measure.machine import versions
from .folder import FILES, Description, Format, write_description
from .graphs import Classifier, Detector, Graph, Maps, MaskRCNN, Segmentor, graph_of
from .preparation import preparation_of

TASKS: dict[type[Graph], str] = {
    Classifier: 'classification',
    Segmentor: 'semantic',
    Detector: 'detection',
    MaskRCNN: 'instance',
    Maps: 'features',
}
TRACED = (353, 417)  # an odd size, so that nothing depends on it by chance
LIBRARIES = ('torch', 'torchvision', 'onnx', 'onnxscript', 'openvino', 'nncf')
NEEDED: dict[Format, tuple[str, ...]] = {
    'onnx': ('onnx', 'onnxscript'),
    'openvino': ('onnx', 'onnxscript', 'openvino'),
    'torch': (),
}
"""Packages that write a format."""
SHOWN = 0.3
"""Score from which objects are drawn."""


def export(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    *,
    format: Format = 'onnx',
    size: tuple[int, int] | None = None,
    backbone_only: bool = False,
) -> Path:
    """Export a trained model to a folder that is all it takes to use it.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        checkpoint: a file, or a folder, for the best checkpoint in it, or the last.
        out: the folder to write, which must not exist.
        format: 'onnx', 'openvino', or 'torch' for ``torch.export``.
        size: height and width of the images. Defaults to None: any.
        backbone_only: whether only the backbone's maps are wanted. Defaults to False.

    Returns:
        The folder.

    Raises:
        InputError: the model is of a kind that cannot be exported, a library is
            missing, or the folder exists.
    """
    require_one_of('format', format, Format)
    missing = [name for name in NEEDED[format] if find_spec(name) is None]
    if missing:
        raise InputError(
            f'format {format} needs {" and ".join(missing)}: pip install '
            '"sepvit_mm[export]"'
        )
    out = Path(out)
    if out.exists():
        raise InputError(f'{out} exists already')
    if is_address(checkpoint):
        raise InputError(f'{checkpoint} is an address: download it, then export it')
    path = Path(checkpoint)
    path = checkpoint_in(path) if path.is_dir() else path
    model: Any = _load(cfg, path)
    graph = graph_of(model.backbone if backbone_only else model).eval()
    description = Description(
        format=format,
        task=TASKS[type(graph)],
        precision='float32',
        size=size,
        least=_least(graph) if format == 'torch' and size is None else 1,
        inputs=graph.inputs,
        outputs=graph.outputs,
        classes=tuple(map(str, meta_of(cfg, path).get('classes') or ())),
        preparation=preparation_of(cfg, model).to_dict(),
        thresholds=_thresholds(model),
        config=dict(name=Path(cfg.filename).name, sha256=_digest(cfg.pretty_text)),
        weights=dict(name=path.name, sha256=_digest(path.read_bytes())),
        versions=dict(versions(LIBRARIES)),
    )
    with written_whole(out) as partial:
        partial.mkdir()
        write_graph(graph, partial / FILES[format], format, size)
        write_description(partial, description)
    return out


def write_graph(
    graph: Graph, path: Path, format: Format, size: tuple[int, int] | None
) -> None:
    """Write a graph in a format.

    Args:
        graph: the graph.
        path: the file.
        format: see :func:`export`.
        size: see :func:`export`.
    """
    program = trace(graph, size)
    if format == 'torch':
        torch.export.save(program, path)
        return
    _drop_checks(program)
    with _quiet():
        onnx = torch.onnx.export(
            program,
            (),
            dynamo=True,
            verbose=False,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
        )
    assert onnx is not None
    if format == 'onnx':
        onnx.save(path, external_data=False)
        return
    import openvino

    source = path.with_suffix('.onnx')
    onnx.save(source, external_data=False)
    openvino.save_model(openvino.convert_model(source), path, compress_to_fp16=False)
    source.unlink()


def trace(graph: Graph, size: tuple[int, int] | None) -> ExportedProgram:
    """Record a graph by ``torch.export``, for any batch and, without a size, any image.

    Args:
        graph: the graph.
        size: height and width of the images, or None.
    """
    height, width = size or TRACED
    arguments: tuple[torch.Tensor, ...] = (torch.randn(2, 3, height, width),)
    batch = Dim('batch', max=2**10)
    sides = {}
    if size is None:
        sides = {
            2: Dim('height', min=_least(graph), max=2**14),
            3: Dim('width', min=_least(graph), max=2**14),
        }
    shapes: dict[str, Any] = {'images': {0: batch, **sides}}
    if 'sizes' in graph.inputs:
        arguments += (torch.tensor([[height, width], [height - 3, width - 5]]),)
        shapes['sizes'] = {0: batch}
    with torch.no_grad(), _quiet():
        return torch.export.export(
            graph,
            arguments,
            dynamic_shapes=shapes,
            # what PyTorch cannot prove for all sizes is checked when it runs
            prefer_deferred_runtime_asserts_over_guards=True,
        )


def _drop_checks(program: ExportedProgram) -> None:
    """Remove checks of sizes, which ONNX has no operator for.

    Some compare with bounds that do not even fit into its integers.
    """
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        if node.target is torch.ops.aten._assert_scalar.default:
            graph.erase_node(node)
    graph.eliminate_dead_code()


def _least(graph: Graph) -> int:
    """Return the least side that ``torch.export`` can take to be free.

    It gives a dimension of 1 a graph of its own, so there must be two windows each way
    on every map.
    """
    sides: list[int] = [
        getattr(module, 'window_size', 0) or getattr(module, 'pale_size', 0)
        for module in graph.modules()
    ]
    return 225 if max(sides) > 2 else 64


def _load(cfg: Config, checkpoint: Path) -> nn.Module:
    """Build a config's model with the weights of a checkpoint."""
    cfg = deepcopy(cfg)
    if isinstance(cfg.model.get('backbone'), dict):
        cfg.model.backbone.init_cfg = None
    model = build_model(cfg)
    load_entirely(model, checkpoint)
    return model.eval()


def _thresholds(model: nn.Module) -> dict[str, float]:
    settings = getattr(model, 'test_cfg', None) or {}
    settings = settings.get('rcnn', settings)
    return {'shown': SHOWN, 'mask': float(settings.get('mask_thr_binary', 0.5))}


def _digest(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what PyTorch says of its own workings from the user."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
