"""Pale Transformer: attention in interlaced rows and columns.

Paper: Wu, Wu, Tan and Guo, "Pale Transformer: A General Vision Transformer Backbone
with Pale-Shaped Attention", arXiv 2112.14000v1, AAAI 2022. There is no official code
and there are no weights. What the paper leaves open is chosen to match its published
numbers of parameters and multiply-accumulates; :class:`PaleTransformer` lists the
choices that they do not settle.

In comments, B is the batch, H and W a map's size, C its channels, h the heads and s the
number of rows, or columns, in a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.registry import MODELS
from torch import Tensor, nn

from .arch import Arch, require_one_of, resolve_arch
from .base import FourStageBackbone, InitCfg
from .layers import (
    ConditionalPositionEncoding,
    Mlp,
    OverlapPatchEmbed,
    TokenConv2d,
    crop,
    pad_to_multiple,
)
from .windows import window_attention

NORM_EPS = 1e-6

Mode = Literal['dense', 'classification']
OUT_INDICES: dict[Mode, tuple[int, ...]] = {
    'dense': (0, 1, 2, 3),
    'classification': (3,),
}


def to_row_groups(x: Tensor, size: int) -> Tensor:
    """Gather interlaced rows: group j of N holds rows j, j + N, j + 2 N, ...

    Args:
        x: (B, H, W, C), with H a multiple of ``size``.
        size: rows s in a group.

    Returns:
        (B, N, s * W, C), N = H / s.
    """
    return x.unflatten(1, (size, -1)).transpose(1, 2).flatten(2, 3)


def from_row_groups(groups: Tensor, size: int) -> Tensor:
    """Undo :func:`to_row_groups`: (B, N, s * W, C) to (B, s * N, W, C)."""
    return groups.unflatten(2, (size, -1)).transpose(1, 2).flatten(1, 2)


class SeparableProjection(nn.Module):
    """Queries, keys or values: a depthwise 3x3 convolution, then a pointwise one.

    Args:
        embed_dim: channels in and out.
        batch_norm: whether there is a BatchNorm between the two.
    """

    def __init__(self, embed_dim: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.depthwise = TokenConv2d(
            embed_dim,
            embed_dim,
            3,
            padding=1,
            groups=embed_dim,
            bias=not batch_norm,  # the norm would cancel it
        )
        self.norm = nn.BatchNorm2d(embed_dim) if batch_norm else None
        self.pointwise = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        x = self.depthwise(x)
        if self.norm is not None:
            x = self.norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return self.pointwise(x)


class PaleAttention(nn.Module):
    """Pale-shaped self-attention in its parallel form (section 3.2).

    Half of the heads attend within groups of interlaced rows, the other half within
    groups of interlaced columns. A map that ``pale_size`` does not divide is padded
    with zeros, right and bottom, before the projections, and cropped at the end.

    Args:
        embed_dim: channels C.
        num_heads: number of heads in both halves together, even and a divisor of C.
        pale_size: rows, and columns, in a group. Defaults to 7.
        batch_norm: whether the projections have a BatchNorm. Defaults to True.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.

    Examples:
        >>> import torch
        >>> from sepvit_mm import PaleAttention
        >>> PaleAttention(64, 2)(torch.rand(1, 20, 30, 64)).shape
        torch.Size([1, 20, 30, 64])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        pale_size: int = 7,
        *,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        if num_heads < 2 or num_heads % 2 or embed_dim % num_heads:
            raise ValueError(
                f'num_heads is {num_heads}, but must be even (rows and columns have '
                f'half each) and divide embed_dim, {embed_dim}'
            )
        if not isinstance(pale_size, int) or pale_size < 1:
            raise ValueError(f'pale_size is {pale_size}, but must be an integer > 0')
        self.num_heads = num_heads
        self.pale_size = pale_size
        self.q, self.k, self.v = (
            SeparableProjection(embed_dim, batch_norm=batch_norm) for _ in range(3)
        )
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        _, H, W, _ = x.shape
        x = pad_to_multiple(x, self.pale_size)
        rows, columns = zip(*(p(x).chunk(2, dim=-1) for p in (self.q, self.k, self.v)))
        by_rows = self._attend(torch.cat(rows, dim=-1))
        by_columns = self._attend(torch.cat(columns, dim=-1).transpose(1, 2))
        x = torch.cat([by_rows, by_columns.transpose(1, 2)], dim=-1)
        return self.proj(crop(x, H, W))

    def _attend(self, qkv: Tensor) -> Tensor:
        """Attend in groups of interlaced rows: (B, H, W, 3C/2) to (B, H, W, C/2)."""
        groups = to_row_groups(qkv, self.pale_size)
        attended = window_attention(groups, self.num_heads // 2)
        return from_row_groups(attended, self.pale_size)


class PaleBlock(nn.Module):
    """Position encoding, pale attention and MLP, each with a shortcut (section 3.3).

    Args:
        embed_dim: channels C.
        num_heads: number of heads h.
        pale_size: rows, and columns, in a group. Defaults to 7.
        batch_norm: whether the projections of queries, keys and values have a
            BatchNorm. Defaults to True.
        drop_rate: dropout after the linear layers of the MLP. Defaults to 0.
        drop_path: stochastic depth of attention and MLP. Defaults to 0.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        pale_size: int = 7,
        *,
        batch_norm: bool = True,
        drop_rate: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.pos_encoding = ConditionalPositionEncoding(embed_dim)
        self.norm1 = nn.LayerNorm(embed_dim, eps=NORM_EPS)
        self.attn = PaleAttention(
            embed_dim, num_heads, pale_size, batch_norm=batch_norm
        )
        self.norm2 = nn.LayerNorm(embed_dim, eps=NORM_EPS)
        self.mlp = Mlp(embed_dim, drop_rate=drop_rate)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        x = self.pos_encoding(x)
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


@MODELS.register_module()
class PaleTransformer(FourStageBackbone):
    """Pale Transformer backbone.

    No official code exists. These choices are ours, as neither the paper nor its
    published sizes settle them: the LayerNorm of the embeddings (``embed_norm``), the
    BatchNorm of the projections (``batch_norm``, as in CvT), the number of heads in
    'tiny' and 'small', half of them attending within rows, eps 1e-6, initialisation,
    and a LayerNorm on every output.

    Args:
        arch: 'tiny', 'small', 'base', or a dict with one entry per stage:
            ``embed_dims``, ``depths`` and ``num_heads`` (even: half attend within
            rows, half within columns). Defaults to 'tiny'.
        mode: 'dense' (detection and segmentation) returns all outputs,
            'classification' the last; each has a LayerNorm. Defaults to 'dense'.
        pale_size: rows, and columns, in a pale, the same in every stage. Defaults to 7.
        embed_norm: whether a LayerNorm follows each embedding. Defaults to True, which
            is our choice.
        batch_norm: whether queries, keys and values have a BatchNorm between their
            depthwise and pointwise convolution. Defaults to True, which is our choice.
        out_indices: stages to return, from 0 to 3. Defaults to those of ``mode``.
        in_channels: channels of the images. Defaults to 3.
        drop_rate: dropout after embeddings and the linear layers of MLPs. Defaults
            to 0.
        drop_path_rate: stochastic depth rate of the last block, in [0, 1); it rises
            linearly from 0 at the first block. Defaults to 0.
        frozen_stages: -1 freezes nothing, 0 the first stage's embedding, n > 0 the
            first n stages. Defaults to -1.
        norm_eval: keep BatchNorm layers in evaluation mode. Defaults to False.
        with_cp: use activation checkpointing in every block. Defaults to False.
        init_cfg: mmengine's initialisation config. Defaults to None.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.

    Examples:
        >>> import torch
        >>> from sepvit_mm import PaleTransformer
        >>> maps = PaleTransformer('tiny')(torch.rand(1, 3, 224, 320))
        >>> [tuple(m.shape) for m in maps]
        [(1, 64, 56, 80), (1, 128, 28, 40), (1, 256, 14, 20), (1, 512, 7, 10)]
    """

    variants: Mapping[str, Arch] = {
        'tiny': dict(
            embed_dims=[64, 128, 256, 512],
            depths=[2, 2, 16, 2],
            num_heads=[2, 4, 8, 16],
        ),
        'small': dict(
            embed_dims=[96, 192, 384, 768],
            depths=[2, 2, 16, 2],
            num_heads=[2, 4, 8, 16],
        ),
        'base': dict(
            embed_dims=[128, 256, 512, 1024],
            depths=[2, 2, 16, 2],
            num_heads=[4, 8, 16, 32],
        ),
    }

    def __init__(
        self,
        arch: str | Arch = 'tiny',
        *,
        mode: Mode = 'dense',
        pale_size: int = 7,
        embed_norm: bool = True,
        batch_norm: bool = True,
        out_indices: Sequence[int] | None = None,
        in_channels: int = 3,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        require_one_of('mode', mode, Mode)
        arch = resolve_arch(arch, self.variants)
        dims = arch['embed_dims']

        def embed(stage: int) -> nn.Module:
            return OverlapPatchEmbed(
                dims[stage - 1] if stage else in_channels,
                dims[stage],
                kernel_size=3 if stage else 7,
                stride=2 if stage else 4,
                norm=embed_norm,
                drop_rate=drop_rate,
            )

        def block(stage: int, index: int, drop_path: float) -> nn.Module:
            return PaleBlock(
                dims[stage],
                arch['num_heads'][stage],
                pale_size,
                batch_norm=batch_norm,
                drop_rate=drop_rate,
                drop_path=drop_path,
            )

        super().__init__(
            embed=embed,
            block=block,
            embed_dims=dims,
            depths=arch['depths'],
            norm_eps=NORM_EPS,
            out_indices=OUT_INDICES[mode] if out_indices is None else out_indices,
            drop_path_rate=drop_path_rate,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )
