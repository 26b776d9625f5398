"""SepViT: a separable vision transformer.

Paper: Li et al., "SepViT: Separable Vision Transformer", arXiv 2203.15380v4.
The authors' code is at github.com/liwei109/SepViT; this file agrees with it up to
rounding, in classification and in dense prediction. They published no weights.

In comments, B is the batch, H and W a map's size, C its channels, h the heads and d
their dimension (C = h d), w the side of a window, n the number of windows and L the
tokens of a window: its w*w pixels and, where there is one, its window token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from mmengine.registry import MODELS
from torch import Tensor, nn

from .arch import Arch, is_list_of, require_one_of, resolve_arch
from .base import FourStageBackbone, InitCfg
from .layers import (
    ConditionalPositionEncoding,
    Mlp,
    OverlapPatchEmbed,
    crop,
    is_recorded,
    pad_to_multiple,
)
from .windows import from_windows, grid_of, to_windows, window_attention

Mode = Literal['dense', 'classification']
TokenKind = Literal['zero', 'learned']
PointwiseUse = Literal['always', 'several_windows']

# Entries of pointwise attention's affinity that exist at a time in inference: 128 MB in
# float32. Images up to about 1000 x 2000 pixels have fewer.
AFFINITY_IN_MEMORY = 2**25


class PointwiseAttention(nn.Module):
    """Attention among the windows of an image (PWA, section 3.2).

    The window tokens give queries and keys; all pixels of a window are one value.

    Args:
        embed_dim: channels C.
        num_heads: heads h.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(embed_dim, eps=1e-5)
        self.act = nn.GELU()
        self.qk = nn.Linear(embed_dim, 2 * embed_dim)

    def forward(self, tokens: Tensor, pixels: Tensor) -> Tensor:
        """Mix the windows by the affinity of their tokens, and add the input.

        Args:
            tokens: window tokens, (B, n, C).
            pixels: the windows' pixels, (B, n, w*w, C).

        Returns:
            (B, n, w*w, h, d), a view.
        """
        h = self.num_heads
        qk = self.qk(self.act(self.norm(tokens))).unflatten(2, (2, h, -1))
        q, k = qk.permute(2, 0, 3, 1, 4).flatten(1, 2).unbind()  # B*h, n, d

        v = pixels.unflatten(3, (h, -1)).permute(0, 3, 1, 2, 4)  # B, h, n, w*w, d
        values = v.flatten(3).flatten(0, 1)
        mixed = self._mix(q * q.shape[-1] ** -0.5, k, values)
        return mixed.view(v.shape).permute(0, 2, 3, 1, 4)

    def _mix(self, q: Tensor, k: Tensor, values: Tensor) -> Tensor:
        """Add to each value the mean of all, weighted by softmax(q k^T)."""
        k = k.transpose(1, 2)

        def rows(q: Tensor, own: Tensor) -> Tensor:
            return torch.baddbmm(own, torch.bmm(q, k).softmax(dim=-1), values)

        if torch.is_grad_enabled() or is_recorded():
            return rows(q, values)
        # The affinity grows with the square of the windows. Without a backward pass
        # only some of its rows need to exist at a time.
        heads, windows, _ = q.shape
        most = max(1, AFFINITY_IN_MEMORY // max(1, heads * windows))
        if most >= windows:
            return rows(q, values)
        parts = zip(q.split(most, dim=1), values.split(most, dim=1))
        return torch.cat([rows(*part) for part in parts], dim=1)


class SeparableAttention(nn.Module):
    """Depthwise separable self-attention on windows (DSSA, section 3.2).

    Depthwise attention (DWA) within each window, then pointwise attention (PWA) among
    the windows, each with its input added, then one projection. With windows of 2 x 2
    sub-windows this is the grouped self-attention (GSA) of section 3.3.

    Args:
        embed_dim: channels C.
        num_heads: heads h.
        window_size: side w of a window.
        pointwise: whether there is pointwise attention. Defaults to True.
        drop_rate: dropout after the projection. Defaults to 0.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        window_size: int,
        *,
        pointwise: bool = True,
        drop_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window_size = window_size
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.pointwise = PointwiseAttention(embed_dim, num_heads) if pointwise else None
        self.proj = nn.Linear(embed_dim, embed_dim)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, windows: Tensor, height: int, width: int) -> Tensor:
        """Attend within windows, then among them, and put them together into a map.

        Args:
            windows: normalised windows, (B, n, L, C): the window token, if there is
                pointwise attention, then the pixels.
            height: H of the map.
            width: W of the map.

        Returns:
            (B, H, W, C).
        """
        windows = window_attention(self.qkv(windows), self.num_heads) + windows
        if self.pointwise is not None:
            tokens, pixels = windows.split((1, self.window_size**2), dim=2)
            # Copied, since a view would keep all pixels until the backward pass.
            windows = self.pointwise(tokens.squeeze(2).contiguous(), pixels)
        grid = grid_of(height, width, self.window_size)
        x = from_windows(windows, grid, self.window_size)
        return self.drop(self.proj(crop(x, height, width)))


def resize_tokens(tokens: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Resize window tokens bilinearly from one grid of windows to another.

    Args:
        tokens: (n, C), row by row.
        old: rows and columns of their grid.
        new: rows and columns of the new grid; if it is the same, the tokens stay the
            same to the last bit.

    Returns:
        (n', C), row by row.
    """
    tokens = tokens.T.unflatten(1, old).unsqueeze(0)
    tokens = F.interpolate(tokens, new, mode='bilinear', align_corners=False)
    return tokens[0].flatten(1).T


class WindowToken(nn.Module):
    """Learned window tokens, one per position in the grid of windows.

    Args:
        grid: rows and columns of windows at the training size.
        embed_dim: channels C.
    """

    def __init__(self, grid: tuple[int, int], embed_dim: int) -> None:
        super().__init__()
        self.grid = grid
        self.weight = nn.Parameter(torch.zeros(1, grid[0] * grid[1], 1, embed_dim))

    def forward(self, grid: tuple[int, int]) -> Tensor:
        """Resize the tokens bilinearly to a grid of windows.

        Args:
            grid: rows and columns of windows.

        Returns:
            (n, C), row by row.
        """
        return resize_tokens(self.weight[0, :, 0], self.grid, grid)


class SepViTBlock(nn.Module):
    """Separable attention and MLP, each with pre-norm and shortcut (section 3.2).

    Args:
        embed_dim: channels C.
        num_heads: heads h.
        window_size: side w of a window.
        token_grid: rows and columns of learned window tokens. Defaults to None: tokens
            are zero.
        pointwise: whether there is a window token and pointwise attention. Defaults to
            True.
        pos_encoding: whether the block ends in a position encoding. Defaults to False.
        drop_rate: dropout after the linear layers. Defaults to 0.
        drop_path: stochastic depth of both branches. Defaults to 0.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        window_size: int,
        *,
        token_grid: tuple[int, int] | None = None,
        pointwise: bool = True,
        pos_encoding: bool = False,
        drop_rate: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.window_token = (
            WindowToken(token_grid, embed_dim) if pointwise and token_grid else None
        )
        self.norm1 = nn.LayerNorm(embed_dim, eps=1e-6)
        self.attn = SeparableAttention(
            embed_dim,
            num_heads,
            window_size,
            pointwise=pointwise,
            drop_rate=drop_rate,
        )
        self.norm2 = nn.LayerNorm(embed_dim, eps=1e-6)
        self.mlp = Mlp(embed_dim, drop_rate=drop_rate)
        self.drop_path = DropPath(drop_path)
        self.pos_encoding = (
            ConditionalPositionEncoding(embed_dim) if pos_encoding else nn.Identity()
        )

    def attend(self, x: Tensor) -> Tensor:
        """Compute the attention branch, from norm to projection: (B, H, W, C)."""
        _, H, W, _ = x.shape
        w = self.attn.window_size
        tokens = self._tokens(x) if self.attn.pointwise is not None else None
        # Cut before the norm, which turns zero tokens and padding into its bias.
        x = self.norm1(to_windows(pad_to_multiple(x, w), w, tokens))
        return self.attn(x, H, W)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        x = x + self.drop_path(self.attend(x))
        x = x + self.drop_path(self.mlp(self.norm2(x)))
        return self.pos_encoding(x)

    def _tokens(self, x: Tensor) -> Tensor:
        """Make one token for each window of a map (B, H, W, C): (1, n, C)."""
        _, H, W, C = x.shape
        grid = grid_of(H, W, self.attn.window_size)
        if self.window_token is None:
            return x.new_zeros(1, grid[0] * grid[1], C)
        return self.window_token(grid).to(x.dtype).unsqueeze(0)


class Behaviour(NamedTuple):
    """What differs between the authors' classification and dense-prediction code.

    See the arguments of the same names of :class:`SepViT`.
    """

    window_token: TokenKind
    pointwise: PointwiseUse
    chain_norms: bool
    out_indices: tuple[int, ...]


BEHAVIOURS: dict[Mode, Behaviour] = {
    'dense': Behaviour('zero', 'always', True, (0, 1, 2, 3)),
    'classification': Behaviour('learned', 'several_windows', False, (3,)),
}


@MODELS.register_module()
class SepViT(FourStageBackbone):
    """SepViT backbone.

    Any input size is accepted. A map that the windows do not divide is padded with
    zeros, right and bottom, before the block's first norm, as in the authors' dense
    code; classification at 224 x 224 needs no padding.

    Args:
        arch: 'lite', 'tiny', 'small', 'base', or a dict with one entry per stage:
            ``embed_dims``, ``depths``, ``num_heads`` and ``window_sizes`` (one per
            block: 7 makes a DSSA block, 14 a GSA block in the paper). Defaults to
            'tiny'.
        mode: which of the authors' two behaviours to reproduce, 'dense' (detection and
            segmentation) or 'classification'; a checkpoint of one does not quite fill
            the other. It sets the next four arguments where they are None. Defaults to
            'dense'.
        window_token: 'zero' (dense), or 'learned', one parameter per position in the
            grid of windows (classification). For images that are not of ``img_size``
            learned tokens are resized bilinearly, which is our choice. Defaults to
            None.
        pointwise: where there is pointwise attention: 'always' (dense), or
            'several_windows', only in the blocks that see more than one window at
            ``img_size`` (classification). Defaults to None.
        chain_norms: whether a stage receives the previous stage's normalised output
            (dense) or the raw one (classification). Defaults to None.
        out_indices: stages to return, each through a LayerNorm: all (dense) or the
            last (classification). Defaults to None.
        in_channels: channels of the images. Defaults to 3.
        img_size: side, or height and width, of the images that learned window tokens
            and 'several_windows' refer to. Defaults to 224.
        drop_rate: dropout after embeddings and linear layers. Defaults to 0.
        drop_path_rate: stochastic depth rate of the last block, in [0, 1); it rises
            linearly from 0 at the first block. The authors use 0.2, 0.3, 0.5 for tiny,
            small, base. Defaults to 0.
        frozen_stages: -1 freezes nothing, 0 the first stage's embedding, n > 0 the
            first n stages. Defaults to -1.
        norm_eval: keep BatchNorm layers in evaluation mode; SepViT has none. Defaults
            to False.
        with_cp: use activation checkpointing in every block. Defaults to False.
        init_cfg: mmengine's initialisation config. Defaults to None.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.

    Examples:
        >>> import torch
        >>> from sepvit_mm import SepViT
        >>> maps = SepViT('tiny')(torch.rand(1, 3, 224, 320))
        >>> [tuple(m.shape) for m in maps]
        [(1, 96, 56, 80), (1, 192, 28, 40), (1, 384, 14, 20), (1, 768, 7, 10)]
    """

    variants: Mapping[str, Arch] = {
        'lite': dict(
            embed_dims=[32, 64, 128, 256],
            depths=[1, 2, 6, 2],
            num_heads=[1, 2, 4, 8],
            window_sizes=[[7], [7, 14], [7, 14] * 3, [7, 7]],
        ),
        'tiny': dict(
            embed_dims=[96, 192, 384, 768],
            depths=[1, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            window_sizes=[[7], [7, 14], [7, 14] * 3, [7, 7]],
        ),
        'small': dict(
            embed_dims=[96, 192, 384, 768],
            depths=[1, 2, 14, 2],
            num_heads=[3, 6, 12, 24],
            window_sizes=[[7], [7, 14], [7, 14] * 7, [7, 7]],
        ),
        'base': dict(
            embed_dims=[128, 256, 512, 1024],
            depths=[1, 2, 14, 2],
            num_heads=[4, 8, 16, 32],
            window_sizes=[[7], [7, 14], [7, 14] * 7, [7, 7]],
        ),
    }

    # The authors call depthwise and pointwise attention "DSA" and "PSA".
    authors_keys = (
        ('patch_embeds.{s}.', 'stages.{s}.embed.'),
        ('pos_block.{s}.proj.0.', 'stages.{s}.blocks.0.pos_encoding.conv.'),
        ('blocks.{s}.{b}.win_tokens', 'stages.{s}.blocks.{b}.window_token.weight'),
        ('blocks.{s}.{b}.attn.DSA_qkv.', 'stages.{s}.blocks.{b}.attn.qkv.'),
        (
            'blocks.{s}.{b}.attn.win_tokens_norm.',
            'stages.{s}.blocks.{b}.attn.pointwise.norm.',
        ),
        ('blocks.{s}.{b}.attn.PSA_qk.', 'stages.{s}.blocks.{b}.attn.pointwise.qk.'),
        ('blocks.{s}.{b}.', 'stages.{s}.blocks.{b}.'),
        ('norm_list.{s}.', 'norms.{s}.'),
    )

    def __init__(
        self,
        arch: str | Arch = 'tiny',
        *,
        mode: Mode = 'dense',
        window_token: TokenKind | None = None,
        pointwise: PointwiseUse | None = None,
        chain_norms: bool | None = None,
        out_indices: Sequence[int] | None = None,
        in_channels: int = 3,
        img_size: int | Sequence[int] = 224,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        arch = resolve_arch(arch, self.variants)
        _check_windows(arch)
        behaviour = _resolve_behaviour(
            mode,
            window_token=window_token,
            pointwise=pointwise,
            chain_norms=chain_norms,
            out_indices=out_indices,
        )
        height, width = _pair(img_size)

        def embed(stage: int) -> nn.Module:
            return OverlapPatchEmbed(
                arch['embed_dims'][stage - 1] if stage else in_channels,
                arch['embed_dims'][stage],
                kernel_size=3 if stage else 7,
                stride=2 if stage else 4,
                drop_rate=drop_rate,
            )

        def block(stage: int, index: int, drop_path: float) -> nn.Module:
            window_size = arch['window_sizes'][stage][index]
            pixels = 4 * 2**stage * window_size  # of the image, along a window's side
            grid = grid_of(height, width, pixels)
            return SepViTBlock(
                arch['embed_dims'][stage],
                arch['num_heads'][stage],
                window_size,
                token_grid=grid if behaviour.window_token == 'learned' else None,
                pointwise=behaviour.pointwise == 'always' or grid != (1, 1),
                pos_encoding=index == 0,
                drop_rate=drop_rate,
                drop_path=drop_path,
            )

        super().__init__(
            embed=embed,
            block=block,
            embed_dims=arch['embed_dims'],
            depths=arch['depths'],
            norm_eps=1e-6,
            chain_norms=behaviour.chain_norms,
            out_indices=behaviour.out_indices,
            drop_path_rate=drop_path_rate,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )

    def resize(self, name: str, value: Tensor) -> Tensor | None:
        """Resize learned window tokens from a square grid of windows."""
        module = self.get_submodule(name.rpartition('.')[0])
        if not isinstance(module, WindowToken) or value.dim() != 4:
            return None
        side = math.isqrt(value.shape[1])
        if side**2 != value.shape[1]:
            return None
        tokens = resize_tokens(value[0, :, 0].float(), (side, side), module.grid)
        return tokens[None, :, None].to(value.dtype)


def _pair(img_size: int | Sequence[int]) -> tuple[int, int]:
    pair = (img_size, img_size) if isinstance(img_size, int) else img_size
    if not is_list_of(pair, int) or len(pair) != 2 or min(pair) < 1:
        raise ValueError(
            f'img_size is {img_size}, but must be an integer > 0 or two of them, '
            'height and width'
        )
    return pair[0], pair[1]


def _check_windows(arch: Arch) -> None:
    for stage, (depth, sizes) in enumerate(zip(arch['depths'], arch['window_sizes'])):
        if not is_list_of(sizes, int) or len(sizes) != depth or min(sizes) < 1:
            raise ValueError(
                f"arch['window_sizes'][{stage}] is {sizes}, but needs {depth} integers "
                "> 0, one for each block of arch['depths']"
            )


def _resolve_behaviour(mode: Mode, **given: Any) -> Behaviour:
    """Combine a mode's behaviour with the arguments that replace parts of it."""
    require_one_of('mode', mode, Mode)
    given = {name: value for name, value in given.items() if value is not None}
    behaviour = BEHAVIOURS[mode]._replace(**given)
    require_one_of('window_token', behaviour.window_token, TokenKind)
    require_one_of('pointwise', behaviour.pointwise, PointwiseUse)
    return behaviour
