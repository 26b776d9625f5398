"""Windows: cut from a map and put back, and attention within them.

Sizes are computed from those of the map, and nothing branches on them, so that what is
traced or exported at one size runs at every other.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# CUDA's fused attention kernels put the batch on a grid axis that ends here
# (pytorch/pytorch#142228).
MAX_CUDA_BATCH = 2**16 - 1


def grid_of(height: int, width: int, window_size: int) -> tuple[int, int]:
    """Count the rows and columns of windows that cover a map."""
    return -(-height // window_size), -(-width // window_size)


def to_windows(x: Tensor, window_size: int) -> Tensor:
    """Cut a map into windows.

    Args:
        x: (B, H, W, C); the side of a window divides H and W.
        window_size: side w of a window.

    Returns:
        (B, n, w*w, C), the windows row by row.
    """
    x = x.unflatten(2, (-1, window_size)).unflatten(1, (-1, window_size))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # B, rows, columns, w, w, C


def from_windows(windows: Tensor, grid: tuple[int, int], window_size: int) -> Tensor:
    """Put windows together to a map.

    Args:
        windows: (B, n, w*w, ...), in any memory order.
        grid: rows and columns of windows.
        window_size: side w of a window.

    Returns:
        (B, H, W, C), with all further dimensions of the windows as channels.
    """
    x = windows.unflatten(2, (window_size, window_size)).unflatten(1, grid)
    # B, rows, w, columns, w, ...: the first of these copies, the others are views.
    return x.transpose(2, 3).flatten(1, 2).flatten(2, 3).flatten(3)


def window_attention(qkv: Tensor, num_heads: int) -> Tensor:
    """Softmax attention among the tokens of each window.

    Args:
        qkv: queries, keys and values side by side, (B, n, L, 3C).
        num_heads: heads h.

    Returns:
        (B, n, L, C).
    """
    B, n = qkv.shape[:2]
    qkv = qkv.flatten(0, 1).unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    if qkv.is_cuda and B * n > MAX_CUDA_BATCH:
        parts = qkv.split(MAX_CUDA_BATCH, dim=1)
        out = torch.cat([F.scaled_dot_product_attention(*part) for part in parts])
    else:
        out = F.scaled_dot_product_attention(*qkv)
    return out.transpose(1, 2).flatten(2).unflatten(0, (B, n))  # from B*n, h, L, d
