"""Cut a map into windows, put them back together, and attend within them.

Sizes are computed from the map and nothing branches on them, so a model that is traced
or exported at one size runs at every other.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import ceil_div

# CUDA's fused attention kernels put the batch on a grid axis of at most this size
# (pytorch/pytorch#142228).
MAX_CUDA_BATCH = 2**16 - 1


def grid_of(height: int, width: int, window_size: int) -> tuple[int, int]:
    """Count the rows and columns of windows that cover a map."""
    return ceil_div(height, window_size), ceil_div(width, window_size)


def to_windows(x: Tensor, window_size: int, tokens: Tensor | None = None) -> Tensor:
    """Cut a map into windows.

    Args:
        x: (B, H, W, C), with H and W multiples of ``window_size``.
        window_size: side w of a window.
        tokens: one token to put before the pixels of each window, (1 or B, n, C).
            Defaults to None: no tokens.

    Returns:
        (B, n, L, C), the windows row by row, with L = w*w, or 1 + w*w with tokens.
    """
    B, H, W, C = x.shape
    w = window_size
    x = x.view(B, H // w, w, W // w, w, C)
    lines = x.unbind(2)  # the first line of pixels of all windows, the second, ...
    if tokens is not None:
        tokens = tokens.expand(B, -1, -1).view(B, H // w, W // w, 1, C)
        lines = (tokens, *lines)
    return torch.cat(lines, dim=3).flatten(1, 2)  # one copy


def from_windows(windows: Tensor, grid: tuple[int, int], window_size: int) -> Tensor:
    """Put windows back together into a map.

    Args:
        windows: (B, n, w*w, ...), in any memory order.
        grid: rows and columns of windows.
        window_size: side w of a window.

    Returns:
        (B, H, W, C), the further dimensions of the windows flattened into channels.
    """
    B, _, _, *channels = windows.shape
    (rows, columns), w = grid, window_size
    x = windows.unflatten(2, (w, w)).unflatten(1, grid).transpose(2, 3)
    # Flattened first, because torch.export cannot merge only some of the dimensions.
    return x.flatten().view(B, rows * w, columns * w, math.prod(channels))


def window_attention(qkv: Tensor, num_heads: int) -> Tensor:
    """Softmax attention among the tokens of each window.

    Args:
        qkv: queries, keys and values side by side, (B, n, L, 3C).
        num_heads: number of heads h.

    Returns:
        (B, n, L, C).
    """
    B, n, _, _ = qkv.shape
    qkv = qkv.flatten(0, 1).unflatten(2, (3, num_heads, -1))
    q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind()  # B*n, h, L, d
    if qkv.is_cuda and B * n > MAX_CUDA_BATCH:
        parts = zip(*(each.split(MAX_CUDA_BATCH) for each in (q, k, v)))
        out = torch.cat([F.scaled_dot_product_attention(*part) for part in parts])
    else:
        out = F.scaled_dot_product_attention(q, k, v)
    return out.transpose(1, 2).flatten(2).unflatten(0, (B, n))
