"""Pictures of predictions beside the ground truth, one file per test image."""

from __future__ import annotations

from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner


class PictureHook(Hook):
    """Draw every test image by the visualizer of the library in use.

    mmdet, mmseg and mmpretrain each have a hook of their own for this, with
    arguments and file layouts of their own; their visualizers agree.

    Args:
        folder: Where to write; files are named like the images, and after the folders
            that they lie in where the name was taken. In distributed testing only the
            first process, hence its share of images, is drawn.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.drawn: dict[str, str] = {}  # image by name of its picture

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: list
    ) -> None:
        """Draw the images of one batch; ``outputs`` are its data samples."""
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
        parts = [part for part in Path(image).parts if part != Path(image).anchor]
        names = ('_'.join(parts[-depth:]) for depth in range(1, len(parts) + 1))
        return next(n for n in names if self.drawn.setdefault(n, image) == image)
