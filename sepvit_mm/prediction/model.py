"""A trained model with the pipeline of its images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from numpy.typing import NDArray
from PIL.JpegImagePlugin import JpegImageFile

from ..checkpoints.whole import load_entirely
from ..drawing.images import to_rgb
from ..engine.config import type_of
from ..engine.metainfo import meta_of, tested_dataset
from ..engine.models import build_model, find_device
from ..engine.precision import Precision, predict_in
from ..engine.runs import augment, checkpoint_in
from ..errors import InputError
from .inputs import Frames, Item


class Model:
    """A trained model with the pipeline of its images.

    Args:
        cfg: from :func:`sepvit_mm.engine.load_config`; left unchanged.
        checkpoint: a file or an address, or a folder, for the best checkpoint in it, or
            the last if training kept no best; it must fit the model key by key.
        device: such as 'cuda:1'. Defaults to None: a GPU if there is one.
        precision: numbers to compute in. Defaults to 'fp32'.
        tta: whether to use test-time augmentation. Defaults to False.

    Raises:
        InputError: the checkpoint does not fit, the config has no test pipeline, or the
            device cannot be used.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str | Path,
        *,
        device: str | None = None,
        precision: Precision = 'fp32',
        tta: bool = False,
    ) -> None:
        cfg = deepcopy(cfg)
        self.device = find_device(device)
        if tta:
            masks = ((cfg.model.get('roi_head') or {}).get('mask_head')) is not None
            if masks or cfg.model.get('mask_head'):
                raise InputError(
                    '--tta: mmdet merges the boxes of augmented images, but not masks; '
                    f'predict with {cfg.filename} without --tta'
                )
            augment(cfg)
        path = checkpoint_in(checkpoint) if Path(checkpoint).is_dir() else checkpoint
        backbone = cfg.model.get('module', cfg.model).get('backbone')
        if isinstance(backbone, dict):
            backbone.pop('init_cfg', None)
        dataset = tested_dataset(cfg)
        self.model = build_model(cfg)
        load_entirely(self.model, path)
        self.model.to(self.device).eval()
        predict_in(precision, self.model)
        self.scope = cfg.get('default_scope')
        pipeline = _without_annotations(dataset.pipeline)
        first = _loader_of(pipeline, cfg.filename)
        self._load = Compose(pipeline[: first + 1])
        self._rest = Compose(pipeline[first + 1 :])
        self._is_bgr = pipeline[first].get('imdecode_backend') != 'tifffile'
        self.meta = meta_of(cfg, path)
        self.classes = tuple(map(str, self.meta.get('classes') or ()))
        self._frames = Frames()

    @property
    def is_classifier(self) -> bool:
        """Whether the model says one class of the whole image."""
        return self.scope == 'mmpretrain'

    @property
    def is_segmentor(self) -> bool:
        """Whether the model says a class of every pixel."""
        return self.scope == 'mmseg'

    def load(self, item: Item) -> dict[str, Any]:
        """Load an image as the config's pipeline does.

        Args:
            item: the image.

        Returns:
            The pipeline's record, with ``img`` of shape H, W, C.

        Raises:
            Exception: the image cannot be read.
        """
        record: dict[str, Any] = {'img_path': str(item.path), 'img_id': item.image_id}
        record['seg_fields'] = []
        if item.frame is not None:
            return with_image(record, self._frames.read(item))
        if not item.path.is_file():
            raise FileNotFoundError('no such file')
        if not item.path.stat().st_size:
            raise ValueError('the file is empty')
        _require_whole(item.path)
        record = self._load(record)
        if record is None or record.get('img') is None:
            raise ValueError('the pipeline cannot load it')
        return record

    def picture(self, record: Mapping[str, Any]) -> NDArray[np.uint8]:
        """Return a loaded image as a photograph, shape H, W, 3 in RGB."""
        return to_rgb(record['img'], is_bgr=self._is_bgr)

    def prepare(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Do the rest of the pipeline on a loaded image.

        Args:
            record: from :meth:`load`; left unchanged.

        Raises:
            Exception: a transform cannot use the image.
        """
        ready = self._rest(dict(record))
        if ready is None:
            raise ValueError('a transform of the pipeline left it out')
        return ready

    @torch.inference_mode()
    def __call__(self, batch: Sequence[dict[str, Any]]) -> list[Any]:
        """Predict prepared images.

        Only images of equal size go through the model together, since the padding that
        would make them equal changes what a model says.

        Args:
            batch: from :meth:`prepare`.

        Returns:
            A data sample for each.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, ready in enumerate(batch):
            inputs = ready['inputs']
            one = inputs[0] if isinstance(inputs, list) else inputs
            groups.setdefault(tuple(one.shape), []).append(index)
        results: dict[int, Any] = {}
        for indices in groups.values():
            data = pseudo_collate([batch[index] for index in indices])
            results.update(zip(indices, self.model.test_step(data)))
        return [results[index] for index in range(len(batch))]


def _require_whole(path: Path) -> None:
    """Refuse a truncated JPEG: OpenCV would fill what is missing with grey."""
    try:
        image = JpegImageFile(path)
    except SyntaxError:
        return  # of another format, in which OpenCV notices
    with image:
        image.draft(image.mode, (1, 1))  # an eighth of the size, to save time
        image.load()


def with_image(record: Mapping[str, Any], image: NDArray) -> dict[str, Any]:
    """Put an image in the place of a record's.

    Args:
        record: of a pipeline; left unchanged.
        image: shape H, W, C.
    """
    shape = image.shape[:2]
    return {**record, 'img': image, 'img_shape': shape, 'ori_shape': shape}


def _without_annotations(pipeline: Any) -> Any:
    """Leave out the transforms that load annotations, also within others."""
    if isinstance(pipeline, (list, tuple)):
        kept = (_without_annotations(entry) for entry in pipeline)
        return [entry for entry in kept if entry not in (None, [])]
    if re.search('Load.*Annotations?$', type_of(pipeline)):
        return None
    if 'transforms' in pipeline:
        transforms = _without_annotations(pipeline['transforms'])
        return {**pipeline, 'transforms': transforms}
    return pipeline


def _loader_of(pipeline: Sequence[Mapping[str, Any]], filename: str) -> int:
    for index, transform in enumerate(pipeline):
        if re.match('Load.*Image', type_of(transform)):
            return index
    raise InputError(f'the test pipeline of {filename} has no transform that loads')
