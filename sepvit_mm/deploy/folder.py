"""The folder that an exported model is in, with all that it takes to use it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError

Format = Literal['onnx', 'openvino', 'torch']
Precision = Literal['float32', 'bfloat16', 'int8']
FILES: dict[Format, str] = {
    'onnx': 'model.onnx',
    'openvino': 'model.xml',
    'torch': 'model.pt2',
}
DESCRIPTION = 'model.json'
SCRIPT = Path(__file__).with_name('predict.py')


@dataclass(frozen=True)
class Description:
    """What ``model.json`` says of an exported model.

    Attributes:
        format: of the model's file.
        task: 'classification', 'semantic', 'detection', 'instance', or 'features' for
            a backbone.
        precision: that it computes in.
        size: height and width of its images, or None: any.
        least: the least side of images of any size.
        inputs: names of its inputs.
        outputs: names of its outputs.
        classes: names of the classes.
        preparation: see :class:`.preparation.Preparation`.
        thresholds: scores from which objects are kept, and shares from which a pixel is
            in a mask.
        config: the config's file name, and sha256 of its whole content.
        weights: the checkpoint's file name, and sha256.
        versions: of the libraries that exported it.
    """

    format: Format
    task: str
    precision: Precision
    size: tuple[int, int] | None
    least: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    preparation: Mapping[str, Any]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of the model's file."""
        return FILES[self.format]


def write_description(folder: Path, description: Description) -> None:
    """Write ``model.json``, ``README.md`` and ``predict.py`` beside the model.

    Args:
        folder: which has the model already.
        description: of the model.
    """
    text = json.dumps(asdict(description), indent=2, ensure_ascii=False)
    (folder / DESCRIPTION).write_text(text + '\n', encoding='utf-8')
    if description.task != 'features':  # maps are nothing to look at
        shutil.copy(SCRIPT, folder / SCRIPT.name)
    (folder / 'README.md').write_text(_card(description), encoding='utf-8')


def is_exported(path: str | Path) -> bool:
    """Tell whether a path is a folder with an exported model."""
    return (Path(path) / DESCRIPTION).is_file()


def read_description(folder: str | Path) -> Description:
    """Read what ``model.json`` says.

    Args:
        folder: of the exported model.

    Raises:
        InputError: it cannot be read, or the model is missing.
    """
    path = Path(folder) / DESCRIPTION
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if content['size'] is not None:
            content['size'] = tuple(content['size'])
        description = Description(**content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{path} does not describe a model: {error}') from error
    if not (Path(folder) / description.file).is_file():
        raise InputError(f'{folder} has no {description.file}')
    return description


def _card(description: Description) -> str:
    """Write the model card."""
    size = 'x'.join(map(str, description.size or ())) or 'any'
    config, weights = description.config, description.weights
    runtime = {'onnx': 'onnxruntime', 'openvino': 'openvino', 'torch': 'torch'}
    shown = ', '.join(description.classes[:20])
    if len(description.classes) > 20:
        shown += f' and {len(description.classes) - 20} more'
    use = ''
    if description.task != 'features':
        use = f"""Predict images on a machine without PyTorch:

```shell
pip install numpy pillow {runtime[description.format]}
python predict.py photo.jpg --out predictions
```

"""
    return f"""# {config.get('name', 'Exported model')}

| | |
|---|---|
| task | {description.task} |
| classes | {shown} |
| format, precision | {description.format}, {description.precision} |
| size of images | {size} |
| exported from | `{config.get('name')}`, `{weights.get('name')}` |

{use}`model.json` says how images are prepared, what inputs and outputs are called, and
which config and weights the model was made from.
"""
