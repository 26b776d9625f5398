"""SepViT as its description reads, slow and obvious: the oracle of the fast one.

Every step is materialised: the map is padded with zeros before the norm, a token is
put before each window's pixels, everything goes through the same linear layer, and
attention is two products with a softmax between. It runs on the weights of the fast
blocks, so the two can be compared directly.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from sepvit_mm.backbones.sepvit import SepViT, SepViTBlock


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention over the last two dimensions, by its definition."""
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    return scores.softmax(dim=-1) @ v


def separable_attention(block: SepViTBlock, x: Tensor) -> Tensor:
    """The attention branch of a block, from before its norm to its projection."""
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


def block_forward(block: SepViTBlock, x: Tensor) -> Tensor:
    """A whole block in evaluation mode."""
    x = x + separable_attention(block, x)
    x = x + block.mlp(block.norm2(x))
    return block.pos_encoding(x)


def literal_copy(model: SepViT) -> SepViT:
    """Copy a model, with the literal definition in place of every block's forward."""
    model = copy.deepcopy(model).eval()
    for stage in model.stages:
        for block in stage.blocks:
            block.forward = lambda x, block=block: block_forward(block, x)
    return model
