"""Draw predictions beside the ground truth, one file per test image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.hooks import Hook
from mmengine.registry import HOOKS

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class PictureHook(Hook):
    """Draw every test image with the visualizer of the library in use.

    mmdet, mmseg and mmpretrain each have their own hook for this, with their own
    arguments and file layouts; their visualizers agree.

    Args:
        folder: folder to write to. Files are named like the images, with the names of
            an image's folders added if its name is taken. In distributed testing only
            the images of the first process are drawn.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.drawn: dict[str, str] = {}  # path of the image, by name of its picture

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: list
    ) -> None:
        """Draw the images of one batch.

        Args:
            runner: the runner with the visualizer.
            batch_idx: unused.
            data_batch: unused.
            outputs: the data samples of the batch, with predictions and ground truth.
        """
        import mmcv  # not needed to import this package

        visualizer = runner.visualizer
        draw = getattr(visualizer, 'visualize_cls', visualizer.add_datasample)
        for sample in outputs:
            name = self._free_name(sample.img_path)
            draw(
                name=name,
                image=mmcv.imread(sample.img_path, channel_order='rgb'),
                data_sample=sample,
                out_file=str(self.folder / name),
            )

    def _free_name(self, image: str) -> str:
        """Return the shortest end of an image's path that no other picture uses."""
        parts = [part for part in Path(image).parts if part != Path(image).anchor]
        names = ('_'.join(parts[-depth:]) for depth in range(1, len(parts) + 1))
        return next(n for n in names if self.drawn.setdefault(n, image) == image)
