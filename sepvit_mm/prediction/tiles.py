"""Predict large images tile by tile, and join what the tiles say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drawing.masks import union
from ..drawing.samples import Mask, Shown, predictions_of
from ..errors import InputError
from .model import Model, with_image

Tile = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an image, in pixels."""

SHARED = 0.5
"""Share of the smaller of two boxes above which they are one object cut by a border."""


def tiles_of(width: int, height: int, size: int, overlap: float) -> list[Tile]:
    """Divide an image into tiles, row by row.

    Args:
        width: of the image, in pixels.
        height: of the image, in pixels.
        size: side of a tile in pixels.
        overlap: share of a tile that the next one repeats.

    Raises:
        InputError: sahi is not installed.
    """
    try:
        from sahi.slicing import get_slice_bboxes
    except ImportError as error:
        raise InputError('--tile needs sahi: pip install "sepvit_mm[tile]"') from error
    # sahi would go on for ever with a tile larger than the image
    boxes = get_slice_bboxes(
        height, width, min(size, height), min(size, width), False, overlap, overlap
    )
    found = {(int(x), int(y), int(r), int(b)) for x, y, r, b in boxes}
    return sorted(found, key=lambda tile: (tile[1], tile[0]))


def predict_in_tiles(
    model: Model, record: dict[str, Any], size: int, overlap: float, batch_size: int
) -> Shown:
    """Predict an image tile by tile.

    Boxes and masks that a border cuts are merged; of a semantic segmentation, a pixel
    in several tiles has the class that the tile says in which it is further inside.

    Args:
        model: a detector or segmentor.
        record: a loaded image, from :meth:`Model.load`.
        size: side of a tile in pixels.
        overlap: share of a tile that the next one repeats.
        batch_size: tiles that go through the model together.
    """
    height, width = record['img'].shape[:2]
    tiles = tiles_of(width, height, size, overlap)
    if model.is_segmentor:
        return _label_map(model, record, tiles, batch_size)
    parts = [
        _moved(predictions_of(sample), tile)
        for tile, sample in _samples(model, record, tiles, batch_size)
    ]
    return parts[0] if len(parts) == 1 else merged(parts)


def _samples(
    model: Model, record: dict[str, Any], tiles: Sequence[Tile], batch_size: int
) -> Iterator[tuple[Tile, Any]]:
    for begin in range(0, len(tiles), batch_size):
        batch = tiles[begin : begin + batch_size]
        crops = (record['img'][top:bottom, x:r] for x, top, r, bottom in batch)
        ready = [model.prepare(with_image(record, crop.copy())) for crop in crops]
        yield from zip(batch, model(ready))


def _moved(part: Shown, tile: Tile) -> Shown:
    left, top = tile[:2]
    masks = part.masks
    if masks is not None:
        masks = [Mask(m.left + left, m.top + top, m.pixels) for m in masks]
    boxes = part.boxes + np.array([left, top, left, top])
    return Shown(labels=part.labels, scores=part.scores, boxes=boxes, masks=masks)


def merged(parts: Sequence[Shown]) -> Shown:
    """Merge the objects of overlapping tiles.

    Boxes of one class are one object if they share half of the smaller one and come
    from different tiles: within a tile, the model has already decided.

    Args:
        parts: the objects of each tile, in the coordinates of the image.
    """
    from sahi.postprocess.combine import batched_greedy_nmm

    tile_of = np.concatenate([np.full(len(p.labels), i) for i, p in enumerate(parts)])
    labels = np.concatenate([part.labels for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    boxes = np.concatenate([part.boxes for part in parts])
    has_masks = parts[0].masks is not None
    masks = [mask for part in parts for mask in part.masks or ()]
    table = np.column_stack([boxes, scores, labels])
    groups: list[list[int]] = []
    rest: NDArray = np.arange(len(table))
    while rest.size:  # what is left out of a group may be in one of its own
        left_out: list[int] = []
        for keep, others in batched_greedy_nmm(table[rest], 'IOS', SHARED).items():
            group, seen = [int(rest[keep])], {int(tile_of[rest[keep]])}
            for other in rest[list(others)].tolist():
                if tile_of[other] in seen:
                    left_out.append(other)
                else:
                    group.append(other)
                    seen.add(int(tile_of[other]))
            groups.append(group)
        rest = np.array(sorted(left_out), int)
    groups.sort(key=lambda group: (-scores[group[0]], group[0]))
    joined = [boxes[group] for group in groups]
    first = [group[0] for group in groups]
    return Shown(
        labels=labels[first],
        scores=np.array([scores[group].max() for group in groups]),
        boxes=np.array(
            [[*box[:, :2].min(0), *box[:, 2:].max(0)] for box in joined]
        ).reshape(-1, 4),
        masks=[union([masks[i] for i in g]) for g in groups] if has_masks else None,
    )


def _label_map(
    model: Model, record: dict[str, Any], tiles: Sequence[Tile], batch_size: int
) -> Shown:
    """Let every tile decide its pixels up to the middle of what it shares.

    There a model sees most of what is around a pixel. Averaging scores instead would
    need them all: those of 150 classes at 6000 x 1000 pixels have 3.6 GB.
    """
    height, width = record['img'].shape[:2]
    labels = np.empty((height, width), np.int32)
    columns = _parts({(left, right) for left, _, right, _ in tiles})
    rows = _parts({(top, bottom) for _, top, _, bottom in tiles})
    for (left, top, _, _), sample in _samples(model, record, tiles, batch_size):
        (x, right), (y, bottom) = columns[left], rows[top]
        whole = predictions_of(sample).label_map
        assert whole is not None
        labels[y:bottom, x:right] = whole[
            y - top : bottom - top, x - left : right - left
        ]
    return Shown(label_map=labels)


def _parts(spans: Iterable[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Divide what overlapping spans share in its middle; return parts by begin."""
    ordered = sorted(spans)
    middles = [(end + begin) // 2 for (_, end), (begin, _) in pairwise(ordered)]
    edges = [ordered[0][0], *middles, ordered[-1][1]]
    return {begin: part for (begin, _), part in zip(ordered, pairwise(edges))}
