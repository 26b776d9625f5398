"""Draw predictions beside the ground truth, one file per test image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch.utils.data import BatchSampler

from ..drawing.colours import colours_of
from ..drawing.images import read_image, source_of
from ..drawing.names import PictureNames, save
from ..drawing.paint import beside
from ..drawing.samples import predictions_of, truth_of

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class PictureHook(Hook):
    """Draw every test image twice: what people annotated, and what the model predicts.

    mmdet, mmseg and mmpretrain each have their own hook for this, with their own
    arguments, looks and file layouts; this one treats all alike.

    Metrics do not depend on pictures: an image that cannot be drawn, for whatever
    reason, is counted, and a warning at the end of the test says how many there were.

    Args:
        folder: folder to write to. A picture is named like its image, with the names
            of the image's folders added if the name is taken. It is a JPEG file if the
            image is one, else a PNG file. In distributed testing only the images of
            the first process are drawn.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._start()

    def _start(self) -> None:
        self._names = PictureNames()
        self._batches: Iterator[list[int]] = iter(())  # indices of their images
        self._images = 0
        self._failures = 0
        self._first_failure = ''

    def before_test(self, runner: Runner) -> None:
        """Begin to count and to name.

        Args:
            runner: the runner with the data loader.
        """
        self._start()
        sampler = getattr(runner.test_dataloader, 'batch_sampler', None)
        if isinstance(sampler, BatchSampler):  # one that can be read twice
            self._batches = iter(sampler)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Draw the images of one batch.

        Args:
            runner: the runner with the dataset.
            batch_idx: unused.
            data_batch: unused.
            outputs: the data samples of the batch, with predictions and ground truth.
        """
        if not is_main_process():
            return
        indices = next(self._batches, [])
        for sample, index in zip_longest(outputs, indices[: len(outputs)]):
            self._images += 1
            try:
                self._draw(runner, sample, index)
            # of any kind: transforms, datasets and models are the user's, disks fill
            # up, and no picture is worth the metrics of a whole test
            except Exception as error:
                self._failures += 1
                if self._failures == 1:
                    image = _name_of(sample, {}) or f'number {self._images}'
                    reason = shorten(f'{type(error).__name__}: {error}', 300)
                    self._first_failure = f'{image}: {reason}'

    def _draw(self, runner: Runner, sample: Any, index: int | None) -> None:
        path = getattr(sample, 'img_path', None)
        dataset = runner.test_dataloader.dataset
        record, transforms = source_of(dataset, index, path)
        name = self._names.name(_name_of(sample, record) or str(index))
        target = self.folder / name
        with suppress(OSError):  # no picture of an earlier run stays
            target.unlink()
        image = read_image(record, transforms)
        meta = getattr(dataset, 'metainfo', {})
        classes = tuple(map(str, meta.get('classes') or ()))
        panels = {
            'annotated': truth_of(sample, len(classes)),
            'predicted': predictions_of(sample),
        }
        save(beside(image, panels, classes, colours_of(meta)), target)

    def after_test(self, runner: Runner) -> None:
        """Say how many images were drawn, and which was the first that was not.

        Args:
            runner: the runner with the logger.
        """
        drawn = self._images - self._failures
        runner.logger.info(f'{drawn} pictures in {self.folder}')
        if self._failures:
            runner.logger.warning(
                f'{self._failures} of {self._images} pictures could not be drawn; '
                f'the first, {self._first_failure}'
            )


def _name_of(sample: Any, record: Mapping[str, Any]) -> str | None:
    """Return an image's path, the first one if each of its bands is a file."""
    path = getattr(sample, 'img_path', None) or record.get('img_path')
    return path[0] if isinstance(path, (list, tuple)) else path
