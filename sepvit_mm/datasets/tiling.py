"""Cut a scene into tiles, and decide which tiles an object belongs to.

An object belongs to every tile that holds the centre of its box, and is annotated
there, clipped at the tile's border. Its part in any other tile is an ignore region
(COCO's ``iscrowd``), where a detection counts neither for nor against a model. Tiles
without overlap therefore count every object exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """A rectangle of a scene, in pixels.

    Attributes:
        left: first column.
        top: first row.
        right: column after the last.
        bottom: row after the last.
    """

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
        """Cut this part out of a scene.

        Args:
            scene: an array of shape (H, W, ...).

        Returns:
            A view of shape (height, width, ...).
        """
        return scene[self.top : self.bottom, self.left : self.right]

    def clip(self, box: Box) -> Box | None:
        """Clip a box at the borders of the tile.

        Args:
            box: left, top, right, bottom in the scene.

        Returns:
            Left, top, right, bottom in the tile, or None if they do not overlap.
        """
        left, right = np.clip((box[0], box[2]), self.left, self.right) - self.left
        top, bottom = np.clip((box[1], box[3]), self.top, self.bottom) - self.top
        if left == right or top == bottom:
            return None
        return int(left), int(top), int(right), int(bottom)

    def owns(self, box: Box) -> bool:
        """Return whether the centre of a box lies in the tile.

        Args:
            box: left, top, right, bottom in the scene.
        """
        left, top, right, bottom = box
        # Doubled, so that a half pixel stays an integer.
        return (
            2 * self.left <= left + right < 2 * self.right
            and 2 * self.top <= top + bottom < 2 * self.bottom
        )

    def split(self, size: int, overlap: int = 0) -> list[Tile]:
        """Cover this rectangle with tiles of nearly equal size, row by row.

        Full tiles would leave a narrow strip at the border, which would show hardly any
        object whole.

        Args:
            size: largest width and height of a tile in pixels.
            overlap: overlap of neighbours in pixels. An object no larger than this is
                whole in at least one tile. Defaults to 0.

        Returns:
            The tiles.

        Raises:
            ValueError: ``overlap`` is not in [0, size).
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
