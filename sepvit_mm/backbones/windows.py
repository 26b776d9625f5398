"""Windows: from a map and back in a single copy each way, and attention in them.

A map (B, H, W, C) becomes windows (h, B, n, L, d): one head after another, the L tokens
of a window in one piece. Where windows do not divide the map, the last ones reach over
its right and bottom borders; what stands there is one vector. Done with padding,
partitioning and concatenation, that would be up to four copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

# CUDA's fused attention kernels put the batch on a grid axis that ends here
# (pytorch/pytorch#142228).
MAX_CUDA_BATCH = 2**16 - 1


def grid_of(height: int, width: int, window_size: int) -> tuple[int, int]:
    """Count the rows and columns of windows that cover a map."""
    return -(-height // window_size), -(-width // window_size)


def to_windows(
    x: Tensor,
    window_size: int,
    num_heads: int = 1,
    *,
    padding: Tensor | None = None,
    token: Tensor | None = None,
) -> Tensor:
    """Partition a map into windows.

    Args:
        x: (B, H, W, C).
        window_size: side w of a window.
        num_heads: heads h, a divisor of C. Default: 1, all channels together.
        padding: what stands beyond the borders, (C,). Default: None, which is for
            windows that divide the map.
        token: what is put before the pixels of each window: (n, C), or (1, C) for the
            same everywhere. Default: None, nothing.

    Returns:
        (h, B, n, L, d), contiguous, with L = w*w, or 1 + w*w with a token.
    """
    if padding is not None:
        padding = padding.to(x.dtype).unflatten(0, (num_heads, -1))
    if token is not None:
        token = token.to(x.dtype).unflatten(1, (num_heads, -1)).transpose(0, 1)
    return _apply(_ToWindows, x, padding, token, window_size, num_heads)


def from_windows(windows: Tensor, height: int, width: int, window_size: int) -> Tensor:
    """Put windows together to a map, and leave out what is beyond its borders.

    Args:
        windows: (h, B, n, w*w, d).
        height: H.
        width: W.
        window_size: w.

    Returns:
        (B, H, W, C), contiguous.
    """
    return _apply(_FromWindows, windows, height, width, window_size)


def window_attention(qkv: Tensor, num_heads: int) -> Tensor:
    """Softmax attention among the tokens of each window.

    Args:
        qkv: queries, keys and values side by side, (B, n, L, 3C).
        num_heads: heads h.

    Returns:
        (h, B, n, L, d), a view.
    """
    B, n = qkv.shape[:2]
    qkv = qkv.flatten(0, 1).unflatten(2, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    size = MAX_CUDA_BATCH if qkv.is_cuda else B * n
    parts = [F.scaled_dot_product_attention(*p) for p in qkv.split(size, dim=1)]
    out = parts[0] if len(parts) == 1 else torch.cat(parts)  # B*n, h, L, d
    return out.unflatten(0, (B, n)).permute(2, 0, 1, 3, 4)


def _apply(function: type[torch.autograd.Function], *args: Any) -> Tensor:
    """Apply a function; torch.jit, which cannot look into it, traces its forward."""
    if torch.jit.is_tracing():
        return function.forward(SimpleNamespace(), *args)
    return function.apply(*args)


def _pieces(size: int, window_size: int) -> list[tuple[slice, slice, int]]:
    """Split one axis into its whole windows and, where there is one, the cut window.

    Returns:
        For each: its span in pixels, its span in windows, and the pixels per window.
    """
    whole, rest = size // window_size, size % window_size
    pieces = []
    if whole:
        pieces.append((slice(0, whole * window_size), slice(0, whole), window_size))
    if rest:
        pieces.append((slice(whole * window_size, size), slice(whole, None), rest))
    return pieces


def _paired_views(x: Tensor, pixels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """View the same parts of a map and of its windows, in the windows' order.

    Args:
        x: (B, H, W, C).
        pixels: (h, B, rows, columns, w, w, d).

    Yields:
        Up to four pairs of views of equal shape.
    """
    heads, w = pixels.shape[0], pixels.shape[4]
    rows, columns = (_pieces(size, w) for size in x.shape[1:3])
    for (ys, i, height), (xs, j, width) in product(rows, columns):
        part = x[:, ys, xs].unflatten(1, (-1, height)).unflatten(3, (-1, width))
        part = part.unflatten(5, (heads, -1)).permute(5, 0, 1, 3, 2, 4, 6)
        yield part, pixels[:, :, i, j, :height, :width]


def _beyond_borders(pixels: Tensor, height: int, width: int) -> Iterator[Tensor]:
    """View what windows hold beyond the borders of their map, each position once.

    Args:
        pixels: (h, B, rows, columns, w, w, d).
        height: H.
        width: W.

    Yields:
        Up to three views.
    """
    w = pixels.shape[4]
    if width % w:
        yield pixels[:, :, :, -1, :, width % w :]
    if height % w:
        for _, columns, inside in _pieces(width, w):
            yield pixels[:, :, -1, columns, height % w :, :inside]


def _as_grid(windows: Tensor, height: int, width: int, window_size: int) -> Tensor:
    """View (h, B, n, L, d) without its token as (h, B, rows, columns, w, w, d)."""
    w = window_size
    pixels = windows[..., -w * w :, :].unflatten(3, (w, w))
    return pixels.unflatten(2, grid_of(height, width, w))


class _ToWindows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, padding, token, w, heads):
        B, H, W, C = x.shape
        dim = C // heads
        rows, columns = grid_of(H, W, w)
        length = w * w if token is None else 1 + w * w
        windows = x.new_empty(heads, B, rows * columns, length, dim)
        pixels = _as_grid(windows, H, W, w)
        for part, place in _paired_views(x, pixels):
            place.copy_(part)
        for place in _beyond_borders(pixels, H, W):
            place.copy_(padding.view(heads, *[1] * (place.dim() - 2), dim))
        if token is not None:
            windows[..., 0, :] = token.unsqueeze(1)
        ctx.shape, ctx.w = x.shape, w
        ctx.shares_token = token is not None and token.shape[1] == 1
        return windows

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (_, H, W, _), w = ctx.shape, ctx.w
        heads, dim = grad.shape[0], grad.shape[-1]
        grad_x = grad_padding = grad_token = None
        pixels = _as_grid(grad, H, W, w)
        if ctx.needs_input_grad[0]:
            grad_x = grad.new_empty(ctx.shape)
            for part, place in _paired_views(grad_x, pixels):
                part.copy_(place)
        if ctx.needs_input_grad[1]:
            grad_padding = grad.new_zeros(heads, dim)
            for place in _beyond_borders(pixels, H, W):
                grad_padding += place.sum(dim=tuple(range(1, place.dim() - 1)))
        if ctx.needs_input_grad[2]:
            summed = (1, 2) if ctx.shares_token else (1,)
            grad_token = grad[..., 0, :].sum(dim=summed).view(heads, -1, dim)
        return grad_x, grad_padding, grad_token, None, None


class _FromWindows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, windows, height, width, w):
        heads, B, _, _, dim = windows.shape
        x = windows.new_empty(B, height, width, heads * dim)
        for part, place in _paired_views(x, _as_grid(windows, height, width, w)):
            part.copy_(place)
        ctx.shape, ctx.w = windows.shape, w
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        grad_windows = grad.new_empty(ctx.shape)
        _, H, W, _ = grad.shape
        pixels = _as_grid(grad_windows, H, W, ctx.w)
        for part, place in _paired_views(grad, pixels):
            place.copy_(part)
        for place in _beyond_borders(pixels, H, W):
            place.zero_()
        return grad_windows, None, None, None
