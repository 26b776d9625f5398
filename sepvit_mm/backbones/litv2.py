"""LITv2: a vision transformer with HiLo attention.

Paper: Pan, Cai and Zhuang, "Fast Vision Transformers with HiLo Attention",
arXiv 2205.13213v5, NeurIPS 2022. The authors' code is at github.com/ziplab/LITv2; this
file agrees with it up to rounding, and loads their weights.

In comments, B is the batch, H and W a map's size, C its channels, h the heads, d the
dimension of a head, s the side of a window and n the number of windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from mmengine.registry import MODELS
from torch import Tensor, nn

from .arch import Arch, is_list_of, require_one_of, resolve_arch
from .base import FourStageBackbone, InitCfg
from .layers import TokenConv2d, ZeroConv2d, crop, pad_to_multiple
from .windows import from_windows, grid_of, to_windows, window_attention

NORM_EPS = 1e-5

Mode = Literal['detection', 'segmentation', 'classification']
Deform = Literal['torchvision', 'grid_sample']


class HiFi(nn.Module):
    """High frequencies: attention within windows (section 3.2).

    Args:
        embed_dim: channels C of the input.
        head_dim: channels d of a head.
        num_heads: number of heads; each has d channels of the output.
        window_size: side s of a window.
    """

    def __init__(
        self, embed_dim: int, head_dim: int, num_heads: int, window_size: int
    ) -> None:
        super().__init__()
        dim = num_heads * head_dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.qkv = nn.Linear(embed_dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C), H and W multiples of s, to (B, H, W, heads * d)."""
        _, H, W, _ = x.shape
        s = self.window_size
        windows = window_attention(to_windows(self.qkv(x), s), self.num_heads)
        return self.proj(from_windows(windows, grid_of(H, W, s), s))


class LoFi(nn.Module):
    """Low frequencies: attention from all positions to window means (section 3.2).

    Args:
        embed_dim: channels C of the input.
        head_dim: channels d of a head.
        num_heads: number of heads; each has d channels of the output.
        window_size: side s of a window; 1 makes this plain global attention.
    """

    def __init__(
        self, embed_dim: int, head_dim: int, num_heads: int, window_size: int
    ) -> None:
        super().__init__()
        dim = num_heads * head_dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.q = nn.Linear(embed_dim, dim)
        self.kv = nn.Linear(embed_dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C), H and W multiples of s, to (B, H, W, heads * d)."""
        _, H, W, _ = x.shape
        heads = (self.num_heads, -1)
        means = F.avg_pool2d(x.permute(0, 3, 1, 2), self.window_size)
        kv = self.kv(means.permute(0, 2, 3, 1)).flatten(1, 2).unflatten(2, (2, *heads))
        k, v = kv.permute(2, 0, 3, 1, 4).unbind()  # B, h, n, d
        q = self.q(x).flatten(1, 2).unflatten(2, heads).transpose(1, 2)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return self.proj(attended.flatten(2)).unflatten(1, (H, W))


class HiLo(nn.Module):
    """HiLo attention: some heads for high frequencies, the others for low (section 3).

    Args:
        embed_dim: channels C.
        num_heads: number of heads h, a divisor of C.
        window_size: side s of a window. With 1 all heads are for low frequencies, which
            is plain global attention. Defaults to 2.
        alpha: share of heads for low frequencies, in [0, 1]; there are
            ``int(h * alpha)``. Defaults to 0.9.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.

    Examples:
        >>> import torch
        >>> from sepvit_mm import HiLo
        >>> HiLo(96, 3, window_size=2)(torch.rand(1, 14, 15, 96)).shape
        torch.Size([1, 14, 15, 96])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        window_size: int = 2,
        alpha: float = 0.9,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(
                f'num_heads is {num_heads}, but must be > 0 and divide embed_dim, '
                f'{embed_dim}'
            )
        if not isinstance(window_size, int) or window_size < 1:
            raise ValueError(
                f'window_size is {window_size}, but must be an integer > 0'
            )
        if not 0 <= alpha <= 1:
            raise ValueError(f'alpha is {alpha}, but must be in [0, 1]')
        low = num_heads if window_size == 1 else int(num_heads * alpha)
        high = num_heads - low
        dims = (embed_dim, embed_dim // num_heads)
        self.window_size = window_size
        self.hifi = HiFi(*dims, high, window_size) if high else None
        self.lofi = LoFi(*dims, low, window_size) if low else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C): high-frequency channels, then low.

        A map that the windows do not divide is padded with zeros, right and bottom,
        which take part in the attention and in the means.
        """
        _, H, W, _ = x.shape
        x = pad_to_multiple(x, self.window_size)
        parts = [part(x) for part in (self.hifi, self.lofi) if part is not None]
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        return crop(x, H, W)


class ConvMlp(nn.Module):
    """Two linear layers with a depthwise 3x3 convolution and GELU between them.

    Args:
        embed_dim: channels in and out.
        mlp_ratio: hidden channels per channel. Defaults to 4.
        drop_rate: dropout after each linear layer. Defaults to 0.
    """

    def __init__(
        self, embed_dim: int, *, mlp_ratio: int = 4, drop_rate: float = 0.0
    ) -> None:
        super().__init__()
        hidden_dim = mlp_ratio * embed_dim
        self.fc1 = nn.Linear(embed_dim, hidden_dim)
        self.conv = TokenConv2d(hidden_dim, hidden_dim, 3, padding=1, groups=hidden_dim)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_dim, embed_dim)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        x = self.act(self.conv(self.fc1(x)))
        return self.drop(self.fc2(self.drop(x)))


class LITv2Block(nn.Module):
    """HiLo attention, if any, and MLP, each with pre-norm and shortcut (section 3.4).

    Args:
        embed_dim: channels C.
        num_heads: number of attention heads.
        window_size: side of its windows; 0 for a block without attention.
        alpha: share of heads for low frequencies. Defaults to 0.9.
        drop_rate: dropout after the linear layers of the MLP. Defaults to 0.
        drop_path: stochastic depth of both branches. Defaults to 0.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        window_size: int,
        *,
        alpha: float = 0.9,
        drop_rate: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.attn = None
        if window_size:
            self.norm1 = nn.LayerNorm(embed_dim, eps=NORM_EPS)
            self.attn = HiLo(embed_dim, num_heads, window_size, alpha)
        self.norm2 = nn.LayerNorm(embed_dim, eps=NORM_EPS)
        self.mlp = ConvMlp(embed_dim, drop_rate=drop_rate)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C) to (B, H, W, C)."""
        if self.attn is not None:
            x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    """Embedding of 4 x 4 patches, then LayerNorm.

    Images whose sides 4 does not divide are padded with zeros, right and bottom.

    Args:
        in_channels: channels of the images.
        embed_dim: channels of the output.
        drop_rate: dropout after the norm. Defaults to 0.
    """

    def __init__(
        self, in_channels: int, embed_dim: int, *, drop_rate: float = 0.0
    ) -> None:
        super().__init__()
        self.proj = TokenConv2d(in_channels, embed_dim, 4, stride=4)
        self.norm = nn.LayerNorm(embed_dim, eps=NORM_EPS)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Embed (B, H, W, C_in) into (B, ceil(H / 4), ceil(W / 4), C)."""
        return self.drop(self.norm(self.proj(pad_to_multiple(x, 4))))


def deform_by_torchvision(
    x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Deformable convolution (version 1) without overlap, by torchvision's operator.

    Args:
        x: (B, C_in, H, W).
        offset: (B, 2*k*k, H // k, W // k); for each tap of the kernel, how many pixels
            down and to the right of its own place it samples.
        weight: (C_out, C_in, k, k); the stride is k.
        bias: (C_out,).

    Returns:
        (B, C_out, H // k, W // k).
    """
    from torchvision.ops import deform_conv2d  # slow to import, not always installed

    return deform_conv2d(x, offset, weight, bias, stride=weight.shape[2:])


def deform_by_grid_sample(
    x: Tensor, offset: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """:func:`deform_by_torchvision` in PyTorch's own operators, all of which export."""
    _, _, H, W = x.shape
    k = weight.shape[2]
    rows, columns = offset.shape[2:]
    steps = torch.arange(k, device=x.device)
    # Where each tap samples, as (B, rows, columns, k*k).
    dy, dx = offset.unflatten(1, (-1, 2)).permute(2, 0, 3, 4, 1).unbind()
    tap_y, tap_x = torch.meshgrid(steps, steps, indexing='ij')
    y = dy + tap_y.flatten() + k * torch.arange(rows, device=x.device)[:, None, None]
    x_ = dx + tap_x.flatten() + k * torch.arange(columns, device=x.device)[:, None]
    # grid_sample's coordinates go from -1 at one border of the image to 1 at the other.
    grid = torch.stack([(2 * x_ + 1) / W - 1, (2 * y + 1) / H - 1], dim=-1)
    taps = F.grid_sample(x, grid.flatten(2, 3), align_corners=False)
    taps = taps.unflatten(3, (columns, k * k)).permute(0, 2, 3, 1, 4)
    return F.linear(taps.flatten(3), weight.flatten(1), bias).permute(0, 3, 1, 2)


DEFORM: dict[Deform, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    'torchvision': deform_by_torchvision,
    'grid_sample': deform_by_grid_sample,
}


class DeformConv2d(nn.Conv2d):
    """Deformable convolution whose windows do not overlap: its stride is its kernel.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side k of the kernel.
        deform: how to compute it, 'torchvision' or 'grid_sample', with equal results.
            Defaults to 'torchvision'.

    Raises:
        ImportError: ``deform`` is 'torchvision', which is not installed.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        deform: Deform = 'torchvision',
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=kernel_size)
        if deform == 'torchvision':
            # Imported here, because an import in the forward pass cannot be traced.
            import torchvision.ops  # noqa: F401
        self.deform = DEFORM[deform]

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:  # type: ignore[override]
        """Convolve (B, C_in, H, W), moved by an offset, see ``deform_by_torchvision``.

        Returns:
            (B, C_out, H // k, W // k).
        """
        assert self.bias is not None
        # Half precision is too coarse for positions in an image.
        dtype = torch.promote_types(self.weight.dtype, torch.float32)
        inputs = (x, offset, self.weight, self.bias)
        return self.deform(*(value.to(dtype) for value in inputs)).to(x.dtype)


class DeformableMerging(nn.Module):
    """Deformable token merging (section 3.4), which halves height and width.

    A deformable 2x2 convolution of stride 2 with bias, BatchNorm and GELU. An odd last
    row or column is dropped.

    Args:
        in_channels: channels of the input.
        embed_dim: channels of the output.
        deform: see :class:`DeformConv2d`. Defaults to 'torchvision'.
        drop_rate: dropout after the activation. Defaults to 0.
    """

    def __init__(
        self,
        in_channels: int,
        embed_dim: int,
        *,
        deform: Deform = 'torchvision',
        drop_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.offset = ZeroConv2d(in_channels, 8, 2, stride=2)
        self.conv = DeformConv2d(in_channels, embed_dim, 2, deform=deform)
        self.norm = nn.BatchNorm2d(embed_dim)
        self.act = nn.GELU()
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Merge (B, H, W, C_in) to (B, H // 2, W // 2, C)."""
        offset = self.offset(x).permute(0, 3, 1, 2)
        x = self.conv(x.permute(0, 3, 1, 2), offset)
        # PyTorch's CPU BatchNorm computes wrong gradients if its input is NCHW, the
        # batch is 1 and the gradient is channels-last, as that of tokens is.
        x = self.norm(x.contiguous(memory_format=torch.channels_last))
        return self.drop(self.act(x.permute(0, 2, 3, 1)))


class Outputs(NamedTuple):
    """Outputs of the authors' code for a task: those with a norm, those returned."""

    normed: tuple[int, ...]
    out_indices: tuple[int, ...]


OUTPUTS: dict[Mode, Outputs] = {
    'detection': Outputs((1, 2, 3), (0, 1, 2, 3)),
    'segmentation': Outputs((0, 1, 2, 3), (0, 1, 2, 3)),
    'classification': Outputs((3,), (3,)),
}


@MODELS.register_module()
class LITv2(FourStageBackbone):
    """LITv2 backbone.

    Images need 29 pixels or more each way; in training, BatchNorm needs more than one
    position per batch in the last stage. The first output has ``ceil(H / 4)`` rows, and
    each later one half as many as the one before, rounded down.

    Args:
        arch: 'small', 'medium', 'base', or a dict with one entry per stage:
            ``embed_dims``, ``depths``, ``num_heads`` and ``window_sizes`` (0 for
            blocks without attention, 1 for global attention, else the side of
            HiLo's windows). Defaults to 'small'.
        mode: the task, which decides the outputs as in the authors' code: 'detection'
            (a LayerNorm on all outputs but the first), 'segmentation' (on all) or
            'classification' (only the last output, with a LayerNorm). Defaults to
            'detection'.
        alpha: share of HiLo's heads that attend to low frequencies. Defaults to 0.9.
        window_sizes: one per stage, replacing those of ``arch``: the authors' faster
            detectors have ``[0, 0, 4, 1]`` instead of ``[0, 0, 2, 1]``. Defaults to
            None.
        deform: how to compute the deformable token merging: 'torchvision' by its
            operator, 'grid_sample' by PyTorch's own operators, for export and for
            machines without torchvision. Defaults to 'torchvision'.
        out_indices: stages to return, from 0 to 3. Defaults to those of ``mode``.
        in_channels: channels of the images. Defaults to 3.
        drop_rate: dropout after embeddings and the linear layers of MLPs. Defaults
            to 0.
        drop_path_rate: stochastic depth rate of the last block, in [0, 1); it rises
            linearly from 0 at the first block. The authors use 0.2, 0.3, 0.5 for small,
            medium, base in classification and 0.2, 0.2, 0.3 in detection and
            segmentation. Defaults to 0.
        frozen_stages: -1 freezes nothing, 0 the first stage's embedding, n > 0 the
            first n stages, each with the merging before its blocks. Defaults to -1.
        norm_eval: keep the BatchNorm layers of the mergings in evaluation mode.
            Defaults to False.
        with_cp: use activation checkpointing in every block. Defaults to False.
        init_cfg: mmengine's initialisation config. Defaults to None.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.

    Examples:
        >>> import torch
        >>> from sepvit_mm import LITv2
        >>> maps = LITv2('small')(torch.rand(1, 3, 224, 330))
        >>> [tuple(m.shape) for m in maps]
        [(1, 96, 56, 83), (1, 192, 28, 41), (1, 384, 14, 20), (1, 768, 7, 10)]
    """

    variants: Mapping[str, Arch] = {
        'small': dict(
            embed_dims=[96, 192, 384, 768],
            depths=[2, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            window_sizes=[0, 0, 2, 1],
        ),
        'medium': dict(
            embed_dims=[96, 192, 384, 768],
            depths=[2, 2, 18, 2],
            num_heads=[3, 6, 12, 24],
            window_sizes=[0, 0, 2, 1],
        ),
        'base': dict(
            embed_dims=[128, 256, 512, 1024],
            depths=[2, 2, 18, 2],
            num_heads=[4, 8, 16, 32],
            window_sizes=[0, 0, 2, 1],
        ),
    }

    authors_keys = (
        ('patch_embed.', 'stages.0.embed.'),
        ('layers.{s}.downsample.dconv.conv_offset.', 'stages.{s+1}.embed.offset.'),
        ('layers.{s}.downsample.dconv.', 'stages.{s+1}.embed.conv.'),
        ('layers.{s}.downsample.norm_layer.', 'stages.{s+1}.embed.norm.'),
        ('layers.{s}.blocks.{b}.attn.l_', 'stages.{s}.blocks.{b}.attn.lofi.'),
        ('layers.{s}.blocks.{b}.attn.h_', 'stages.{s}.blocks.{b}.attn.hifi.'),
        ('layers.{s}.blocks.{b}.mlp.dwconv.dwconv.', 'stages.{s}.blocks.{b}.mlp.conv.'),
        ('layers.{s}.blocks.{b}.', 'stages.{s}.blocks.{b}.'),
        ('norm{s}.', 'norms.{s}.'),
    )

    def __init__(
        self,
        arch: str | Arch = 'small',
        *,
        mode: Mode = 'detection',
        alpha: float = 0.9,
        window_sizes: Sequence[int] | None = None,
        deform: Deform = 'torchvision',
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
        require_one_of('deform', deform, Deform)
        arch = resolve_arch(arch, self.variants)
        if window_sizes is not None:
            arch = resolve_arch({**arch, 'window_sizes': window_sizes}, self.variants)
        sizes = arch['window_sizes']
        if not is_list_of(sizes, int) or min(sizes) < 0:
            raise ValueError(f'window_sizes is {sizes}, but needs integers >= 0')
        dims = arch['embed_dims']

        def embed(stage: int) -> nn.Module:
            if stage == 0:
                return PatchEmbed(in_channels, dims[0], drop_rate=drop_rate)
            return DeformableMerging(
                dims[stage - 1], dims[stage], deform=deform, drop_rate=drop_rate
            )

        def block(stage: int, index: int, drop_path: float) -> nn.Module:
            return LITv2Block(
                dims[stage],
                arch['num_heads'][stage],
                sizes[stage],
                alpha=alpha,
                drop_rate=drop_rate,
                drop_path=drop_path,
            )

        outputs = OUTPUTS[mode]
        super().__init__(
            embed=embed,
            block=block,
            embed_dims=dims,
            depths=arch['depths'],
            norm_indices=outputs.normed,
            norm_eps=NORM_EPS,
            out_indices=outputs.out_indices if out_indices is None else out_indices,
            drop_path_rate=drop_path_rate,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute multi-scale features, see :meth:`FourStageBackbone.forward`.

        Raises:
            ValueError: the image is too small for the last stage.
        """
        *_, H, W = x.shape
        least = self.out_strides[-1] - 3  # is padded to a multiple of 4, then halved
        if not torch.jit.is_tracing() and min(H, W) < least:
            raise ValueError(
                f'the image has {H} x {W} pixels, but LITv2 needs {least} or more each '
                'way'
            )
        return super().forward(x)
