"""Layers that several backbones share, all on channels-last tokens (B, H, W, C).

A convolution wants (B, C, H, W). Permuting channels-last tokens gives exactly
PyTorch's ``channels_last`` memory format, so going to a convolution and back moves
no data.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Tokens that an MLP maps at a time in inference, few enough to fit into the cache.
CACHED_TOKENS = 4096


def is_recorded() -> bool:
    """Tell whether a tracer, compiler or exporter records what is computed.

    It would record how many parts of an input there are as if it were always so.
    """
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def ceil_div(size: int, divisor: int) -> int:
    """Divide and round up, in a form that torch.export can reason about."""
    return (size + divisor - 1) // divisor


def pad_to_multiple(x: Tensor, divisor: int) -> Tensor:
    """Pad a map with zeros, right and bottom, to multiples of a divisor.

    Args:
        x: (B, H, W, C).
        divisor: what H' and W' are multiples of.

    Returns:
        (B, H', W', C), a copy.
    """
    _, H, W, _ = x.shape
    below = ceil_div(H, divisor) * divisor - H
    right = ceil_div(W, divisor) * divisor - W
    return F.pad(x, (0, 0, 0, right, 0, below))


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """Remove the padding that :func:`pad_to_multiple` added to a map.

    Args:
        x: (B, H', W', C).
        height: H before the padding.
        width: W before the padding.

    Returns:
        (B, H, W, C), a copy.
    """
    # Negative padding: torch.export cannot prove that a slice would be in range.
    _, H, W, _ = x.shape
    return F.pad(x, (0, 0, 0, width - W, 0, height - H))


class TokenConv2d(nn.Conv2d):
    """A 2-D convolution from channels-last tokens to channels-last tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, H, W, C_in) to (B, H', W', C_out)."""
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class ZeroConv2d(TokenConv2d):
    """A convolution that starts at zero."""

    def reset_parameters(self) -> None:
        """Set weight and bias to zero."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class OverlapPatchEmbed(nn.Module):
    """Overlapping strided convolution with bias, then an optional LayerNorm.

    Sizes that the stride does not divide are rounded up: H' = ceil(H / stride).

    Args:
        in_channels: channels of the input.
        embed_dim: channels of the output.
        kernel_size: side of the kernel, odd; the padding is half of it, rounded down.
        stride: downsampling factor.
        norm: whether a LayerNorm follows. Defaults to True.
        drop_rate: dropout at the end. Defaults to 0.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dim: int,
        *,
        kernel_size: int,
        stride: int,
        norm: bool = True,
        drop_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.proj = TokenConv2d(
            in_channels, embed_dim, kernel_size, stride, padding=kernel_size // 2
        )
        self.norm = nn.LayerNorm(embed_dim, eps=1e-5) if norm else nn.Identity()
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Embed (B, H, W, C_in) into (B, H', W', C)."""
        return self.drop(self.norm(self.proj(x)))


class ConditionalPositionEncoding(nn.Module):
    """Depthwise 3x3 convolution with bias, plus identity (PEG of CPVT)."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.conv = TokenConv2d(embed_dim, embed_dim, 3, padding=1, groups=embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Add positions to (B, H, W, C)."""
        return x + self.conv(x)


class Mlp(nn.Module):
    """Two linear layers with a GELU between them.

    Args:
        embed_dim: channels in and out.
        mlp_ratio: hidden channels per channel. Defaults to 4.
        drop_rate: dropout after each linear layer. Defaults to 0.
    """

    def __init__(
        self, embed_dim: int, *, mlp_ratio: int = 4, drop_rate: float = 0.0
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(embed_dim, mlp_ratio * embed_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(mlp_ratio * embed_dim, embed_dim)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to (..., C)."""
        if torch.is_grad_enabled() or is_recorded() or not x.is_cpu:
            return self._map(x)
        # Without a backward pass the hidden activations need not exist all at once: a
        # part of them fits into the processor's cache.
        parts = x.flatten(0, -2).split(CACHED_TOKENS)
        return torch.cat([self._map(part) for part in parts]).view_as(x)

    def _map(self, x: Tensor) -> Tensor:
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


@torch.no_grad()
def init_vision_transformer(module: nn.Module) -> None:
    """Initialise one module as SepViT's authors do.

    Linear: truncated normal of std 0.02, bias 0. Conv2d: normal of std
    sqrt(2 / fan_out), fan_out per group, bias 0. Norms: 1 and 0. Any other module is
    left alone, and so is :class:`ZeroConv2d`. Meant for
    :meth:`torch.nn.Module.apply`.

    Args:
        module: the module to initialise in place.
    """
    match module:
        case ZeroConv2d():
            return
        case nn.Linear():
            nn.init.trunc_normal_(module.weight, std=0.02)
        case nn.Conv2d():
            # PyTorch's own Kaiming initialisation does not divide by the groups.
            fan_out = module.out_channels * math.prod(module.kernel_size)
            nn.init.normal_(module.weight, std=math.sqrt(2 * module.groups / fan_out))
        case nn.LayerNorm() | nn.BatchNorm2d():
            nn.init.ones_(module.weight)
        case _:
            return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
