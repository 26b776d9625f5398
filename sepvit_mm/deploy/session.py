"""Run an exported model by the runtime that its format is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from ..errors import InputError
from .folder import Description

Arrays = Mapping[str, NDArray[Any]]
Session = Callable[[Arrays], dict[str, NDArray[Any]]]
"""From inputs by name to outputs by name."""


def open_session(folder: Path, description: Description) -> Session:
    """Load an exported model.

    Args:
        folder: that the model is in.
        description: of the model.

    Raises:
        InputError: its runtime is not installed.
    """
    path = folder / description.file
    runner = {'onnx': _onnx, 'openvino': _openvino, 'torch': _torch}
    try:
        run = runner[description.format](path, description)
    except ImportError as error:
        raise InputError(
            f'{folder} is for {description.format}: pip install "sepvit_mm[export]"'
        ) from error

    def session(inputs: Arrays) -> dict[str, NDArray[Any]]:
        return dict(zip(description.outputs, run(inputs)))

    return session


def _onnx(path: Path, description: Description) -> Callable[[Arrays], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    providers = onnxruntime.get_available_providers()
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    return lambda inputs: session.run(list(description.outputs), dict(inputs))


def _openvino(path: Path, description: Description) -> Callable[[Arrays], Any]:
    import openvino

    hint = 'bf16' if description.precision == 'bfloat16' else 'f32'
    settings = {
        'INFERENCE_PRECISION_HINT': hint,
        'INFERENCE_NUM_THREADS': torch.get_num_threads(),
    }
    model = openvino.Core().compile_model(path, 'CPU', settings)

    def run(inputs: Arrays) -> Any:
        found = model(dict(inputs))
        return [found[name] for name in description.outputs]

    return run


def _torch(path: Path, description: Description) -> Callable[[Arrays], Any]:
    import torchvision  # noqa: F401  has operators of detectors

    graph = torch.export.load(path).module()

    def run(inputs: Arrays) -> Any:
        given = [torch.from_numpy(inputs[name]) for name in description.inputs]
        with torch.no_grad():
            return [output.numpy() for output in graph(*given)]

    return run
