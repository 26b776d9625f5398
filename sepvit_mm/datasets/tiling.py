"""Cutting a scene into tiles, and deciding which tile an object belongs to.

An object that a tile's border cuts is annotated, clipped, in the tiles that hold the
centre of its box; its remainder in any other tile is an ignore region (COCO's
``iscrowd``), where a detection counts neither for nor against a model. Tiles without
overlap therefore count every object exactly once.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """A rectangle of a scene, in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top

    def crop(self, scene: np.ndarray) -> np.ndarray:
        """Return this part of a scene of shape (H, W, ...)."""
        return scene[self.top : self.bottom, self.left : self.right]

    def clip(self, box: Box) -> Box | None:
        """Return what the tile shows of a box, or None where it shows nothing.

        Args:
            box: Left, top, right, bottom in the scene.

        Returns:
            Left, top, right, bottom in the tile.
        """
        left, right = np.clip((box[0], box[2]), self.left, self.right) - self.left
        top, bottom = np.clip((box[1], box[3]), self.top, self.bottom) - self.top
        if left == right or top == bottom:
            return None
        return int(left), int(top), int(right), int(bottom)

    def owns(self, box: Box) -> bool:
        """Whether the centre of a box (left, top, right, bottom) lies in the tile."""
        left, top, right, bottom = box
        # Doubled, so that a half pixel stays an integer.
        return (
            2 * self.left <= left + right < 2 * self.right
            and 2 * self.top <= top + bottom < 2 * self.bottom
        )

    def split(self, size: int, overlap: int = 0) -> list['Tile']:
        """Cover this rectangle with tiles of nearly equal size, row by row.

        Equal tiles rather than full ones and a thin rest: a strip a few pixels wide
        would show next to no object whole.

        Args:
            size: Largest width and height of a tile.
            overlap: How far neighbours overlap. An object not larger than this is
                whole in at least one tile. Default: 0.

        Raises:
            ValueError: Unless ``0 <= overlap < size``.
        """
        if not 0 <= overlap < size:
            raise ValueError(
                f'overlap must be in [0, size), got overlap {overlap} and size {size}'
            )
        columns = _spans(self.left, self.right, size, overlap)
        rows = _spans(self.top, self.bottom, size, overlap)
        return [
            Tile(left, top, right, bottom)
            for top, bottom in rows
            for left, right in columns
        ]


def _spans(start: int, stop: int, size: int, overlap: int) -> list[tuple[int, int]]:
    length = stop - start - overlap  # the last `overlap` pixels come with any span
    count = max(1, -(-length // (size - overlap)))
    edges = [start + i * length // count for i in range(count + 1)]
    return [(a, b + overlap) for a, b in pairwise(edges)]
