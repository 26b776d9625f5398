"""Literal definitions of the backbones, slow and obvious: the oracles of the fast ones.

Every step is materialised, and attention is two products with a softmax between them.
In SepViT the map is padded with zeros before the norm, a token is put before each
window's pixels, and everything goes through the same linear layer. In LITv2 tokens are
a sequence (B, N, C), turned into a map (B, C, H, W) and back for every convolution. In
Pale Transformer the pale of each position is gathered separately. All of them use the
weights of the fast blocks, so the two can be compared directly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import deform_conv2d

from ..backbones import FourStageBackbone, HiLo, PaleAttention
from ..backbones.litv2 import DeformableMerging, LITv2Block
from ..backbones.pale import PaleBlock
from ..backbones.sepvit import SepViTBlock


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Compute softmax attention over the last two dimensions, by its definition."""
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return scores.softmax(dim=-1) @ v


def separable_attention(block: SepViTBlock, x: Tensor) -> Tensor:
    """Compute the attention branch of a block, from its norm to its projection."""
    attn = block.attn
    h, w = attn.num_heads, attn.window_size
    B, H, W, C = x.shape
    d = C // h

    x = F.pad(x, (0, 0, 0, -W % w, 0, -H % w))
    n_rows, n_cols = x.shape[1] // w, x.shape[2] // w
    n = n_rows * n_cols
    windows = x.view(B, n_rows, w, n_cols, w, C).transpose(2, 3).reshape(B, n, w * w, C)

    if attn.pointwise is not None:
        if block.window_token is None:
            token = x.new_zeros(B, n, 1, C)
        else:
            token = block.window_token((n_rows, n_cols)).view(1, n, 1, C)
            token = token.expand(B, -1, -1, -1)
        windows = torch.cat([token, windows], dim=2)

    normed = block.norm1(windows)
    length = normed.shape[2]
    q, k, v = attn.qkv(normed).view(B, n, length, 3, h, d).permute(3, 0, 1, 4, 2, 5)
    out = attention(q, k, v).transpose(2, 3).reshape(B, n, length, C) + normed

    if attn.pointwise is not None:
        tokens, pixels = out[:, :, 0], out[:, :, 1:]
        pwa = attn.pointwise
        qk = pwa.qk(F.gelu(pwa.norm(tokens)))
        q, k = qk.view(B, n, 2, h, d).permute(2, 0, 3, 1, 4)
        values = pixels.reshape(B, n, w * w, h, d).permute(0, 3, 1, 2, 4)
        values = values.reshape(B, h, n, w * w * d)
        mixed = attention(q, k, values) + values
        mixed = mixed.view(B, h, n, w * w, d).permute(0, 2, 3, 1, 4)
        out = mixed.reshape(B, n, w * w, C)

    out = out.view(B, n_rows, n_cols, w, w, C).transpose(2, 3)
    out = out.reshape(B, n_rows * w, n_cols * w, C)[:, :H, :W]
    return attn.proj(out)


def sepvit_block(block: SepViTBlock, x: Tensor) -> Tensor:
    """Compute a whole block in evaluation mode."""
    x = x + separable_attention(block, x)
    x = x + block.mlp(block.norm2(x))
    return block.pos_encoding(x)


def hilo_attention(attn: HiLo, x: Tensor) -> Tensor:
    """Compute HiLo attention on a map (B, H, W, C)."""
    B, H, W, C = x.shape
    s = attn.window_size
    x = F.pad(x, (0, 0, 0, -W % s, 0, -H % s))
    n_rows, n_cols = x.shape[1] // s, x.shape[2] // s
    outs = []
    if attn.hifi is not None:
        h = attn.hifi.num_heads
        windows = x.view(B, n_rows, s, n_cols, s, C).transpose(2, 3)
        windows = windows.reshape(B, n_rows * n_cols, s * s, C)
        qkv = attn.hifi.qkv(windows).view(B, n_rows * n_cols, s * s, 3, h, -1)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)
        out = attention(q, k, v).transpose(2, 3)
        out = out.reshape(B, n_rows, n_cols, s, s, -1).transpose(2, 3)
        out = out.reshape(B, n_rows * s, n_cols * s, -1)
        outs.append(attn.hifi.proj(out))
    if attn.lofi is not None:
        h = attn.lofi.num_heads
        N = x.shape[1] * x.shape[2]
        means = F.avg_pool2d(x.permute(0, 3, 1, 2), s).flatten(2).transpose(1, 2)
        q = attn.lofi.q(x).view(B, N, h, -1).transpose(1, 2)
        kv = attn.lofi.kv(means).view(B, n_rows * n_cols, 2, h, -1)
        k, v = kv.permute(2, 0, 3, 1, 4)
        out = attention(q, k, v).transpose(1, 2).reshape(*x.shape[:3], -1)
        outs.append(attn.lofi.proj(out))
    return torch.cat(outs, dim=-1)[:, :H, :W]


def litv2_block(block: LITv2Block, x: Tensor) -> Tensor:
    """Compute a whole block in evaluation mode."""
    B, H, W, C = x.shape
    if block.attn is not None:
        x = x + hilo_attention(block.attn, block.norm1(x))
    x = x.reshape(B, H * W, C)
    hidden = block.mlp.fc1(block.norm2(x)).transpose(1, 2).reshape(B, -1, H, W)
    conv = block.mlp.conv
    hidden = F.conv2d(
        hidden.contiguous(), conv.weight, conv.bias, padding=1, groups=conv.groups
    )
    hidden = F.gelu(hidden.flatten(2).transpose(1, 2).contiguous())
    return (x + block.mlp.fc2(hidden)).view(B, H, W, C)


def deformable_merging(merging: DeformableMerging, x: Tensor) -> Tensor:
    """Compute a merging in evaluation mode, by torchvision's operator."""
    x = x.permute(0, 3, 1, 2).contiguous()
    offset = F.conv2d(x, merging.offset.weight, merging.offset.bias, stride=2)
    x = deform_conv2d(x, offset, merging.conv.weight, merging.conv.bias, stride=2)
    x = F.gelu(merging.norm(x))
    return x.permute(0, 2, 3, 1).contiguous()


def pale_attention(attn: PaleAttention, x: Tensor) -> Tensor:
    """Compute pale attention on a map (B, H, W, C), position by position."""
    _, height, width, C = x.shape
    s = attn.pale_size
    x = F.pad(x, (0, 0, 0, -width % s, 0, -height % s))
    B, H, W, _ = x.shape
    heads = (attn.num_heads // 2, C // attn.num_heads)
    halves = []
    # The first half of the channels attends to rows, the second to columns.
    parts = [projection(x).chunk(2, dim=-1) for projection in (attn.q, attn.k, attn.v)]
    for by_columns, (q, k, v) in enumerate(zip(*parts)):
        out = torch.empty_like(q)
        for i in range(H):
            for j in range(W):
                if by_columns:
                    step = W // s
                    pale = [t[:, :, j % step :: step] for t in (k, v)]
                else:
                    step = H // s
                    pale = [t[:, i % step :: step] for t in (k, v)]
                keys, values = (t.reshape(B, -1, *heads).transpose(1, 2) for t in pale)
                query = q[:, i, j].view(B, heads[0], 1, heads[1])
                out[:, i, j] = attention(query, keys, values).flatten(1)
        halves.append(out)
    return attn.proj(torch.cat(halves, dim=-1)[:, :height, :width])


def pale_block(block: PaleBlock, x: Tensor) -> Tensor:
    """Compute a whole block in evaluation mode."""
    x = block.pos_encoding(x)
    x = x + pale_attention(block.attn, block.norm1(x))
    return x + block.mlp(block.norm2(x))


LITERAL: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    SepViTBlock: sepvit_block,
    LITv2Block: litv2_block,
    DeformableMerging: deformable_merging,
    PaleBlock: pale_block,
}


def literal_copy(model: FourStageBackbone) -> FourStageBackbone:
    """Copy a model, with this file's definitions as the forward pass of its blocks.

    Args:
        model: a backbone; left unchanged.

    Returns:
        The copy, in evaluation mode.
    """
    model = copy.deepcopy(model).eval()
    for module in model.modules():
        if type(module) in LITERAL:
            definition = LITERAL[type(module)]
            setattr(module, 'forward', partial(definition, module))  # noqa: B010
    return model
