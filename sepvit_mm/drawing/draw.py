"""Draw predictions beside the ground truth, with the visualizer of any library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from colorsys import hsv_to_rgb
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]


def draw(visualizer: Any, image: NDArray[np.uint8], sample: Any, path: Path) -> None:
    """Draw a data sample's predictions beside its ground truth into a file.

    Args:
        visualizer: the one of mmdet, mmseg or mmpretrain. Its palette is completed if
            it has fewer colours than classes.
        image: shape H, W, 3 in RGB.
        sample: with predictions, ground truth, or both.
        path: file to write; its suffix says the format. If drawing fails there is no
            file, not even one from an earlier run.

    Raises:
        Exception: the sample cannot be drawn, or the file cannot be written.
    """
    visualizer.dataset_meta = with_whole_palette(visualizer.dataset_meta)
    draw_sample = getattr(visualizer, 'visualize_cls', visualizer.add_datasample)
    with suppress(OSError):
        path.unlink()
    try:
        draw_sample(name=path.name, image=image, data_sample=sample, out_file=str(path))
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def with_whole_palette(meta: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Give every class of a dataset a colour.

    Args:
        meta: the dataset's meta information; left unchanged.

    Returns:
        A copy with as many colours in ``palette`` as ``classes``, or more; None if
        there is no meta information. A palette that is a name stays a name.
    """
    if meta is None:
        return None
    palette = meta.get('palette')
    classes = meta.get('classes') or ()
    if isinstance(palette, str) or not classes:
        return dict(meta)
    colours = () if palette is None else palette
    return {**meta, 'palette': _complete(colours, len(classes))}


def _complete(palette: Sequence[Sequence[int]], count: int) -> list[Colour]:
    """Add distinct colours; mmdet wants a list, and takes a tuple for one colour."""
    colours = [(int(red), int(green), int(blue)) for red, green, blue, *_ in palette]
    for index in range(len(colours), count):
        # hues at the golden ratio stay apart, however many there are
        red, green, blue = hsv_to_rgb(index * 0.618034 % 1, 0.75, 0.95)
        colours.append((int(255 * red), int(255 * green), int(255 * blue)))
    return colours
