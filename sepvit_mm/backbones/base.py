"""The base class of the four-stage backbones in this package.

A backbone's own file defines its embedding and its block. This file holds the rest: the
stages, the outputs and their norms, freezing, the drop-path schedule and the methods
that OpenMMLab's training code expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import torch
from mmengine.model import BaseModule, PretrainedInit
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .arch import NUM_STAGES, is_list_of
from .layers import init_vision_transformer
from .names import FINAL_NORM, Pairs, to_ours, translate
from .recompute import recompute_later

InitCfg = dict[str, Any] | Sequence[dict[str, Any]] | None


class Stage(nn.Module):
    """An embedding or merging that lowers the resolution, then blocks that keep it.

    Args:
        embed: maps (B, H, W, C_in) to (B, H', W', C).
        blocks: each maps (B, H', W', C) to the same shape.
        with_cp: recompute each block's activations in the backward pass. Defaults to
            False.
    """

    def __init__(
        self, embed: nn.Module, blocks: Sequence[nn.Module], *, with_cp: bool = False
    ) -> None:
        super().__init__()
        self.embed = embed
        self.blocks = nn.ModuleList(blocks)
        self.with_cp = with_cp

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, C_in) to (B, H', W', C)."""
        x = self.embed(x)
        for block in self.blocks:
            if self.with_cp and torch.is_grad_enabled():
                x = recompute_later(block, x)
            else:
                x = block(x)
        return x


class FourStageBackbone(BaseModule):
    """Base class of the backbones: NCHW images in, a tuple of NCHW maps out.

    Only modules that receive gradients are built: there are no stages after the last
    entry of ``out_indices``, and no norms whose output is unused. Distributed training
    therefore works without ``find_unused_parameters``.

    The authors' checkpoints load through :meth:`load_state_dict`, strictly, like
    any other: their parameter names are translated, and the classifier, which is no
    part of a backbone, is left out. So is the final norm of a classification
    checkpoint, unless this model, too, has a norm on its last output only.

    Args:
        embed: ``embed(stage)`` builds the embedding (or merging) of a stage.
        block: ``block(stage, index, drop_path)`` builds a block of a stage with this
            drop-path rate.
        embed_dims: number of channels in each of the four stages.
        depths: number of blocks in each of the four stages.
        norm_indices: outputs that get a LayerNorm. Defaults to all.
        norm_eps: eps of these norms. Defaults to 1e-5.
        chain_norms: whether the next stage receives the normalised map instead of
            the raw one; every stage then has a norm, returned or not. Defaults to
            False.
        drop_path_rate: stochastic depth rate of the last block, in [0, 1); it rises
            linearly from 0 at the first block. Defaults to 0.
        out_indices: stages to return, ascending, from 0 to 3 (strides 4 to 32).
            Defaults to all.
        frozen_stages: -1 freezes nothing, 0 the first stage's embedding, n > 0 the
            first n stages, each with the embedding (or merging) before its blocks and
            the norm after them. What is frozen gets no gradient and stays in
            evaluation mode. Defaults to -1.
        norm_eval: keep BatchNorm layers in evaluation mode while training. Defaults
            to False.
        with_cp: use activation checkpointing in every block (less memory, more time).
            Defaults to False.
        init_cfg: mmengine's initialisation config, such as
            ``dict(type='Pretrained', checkpoint=...)``. Defaults to None.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.
    """

    # Prefixes of the authors' parameter names and of ours, see `names.py`.
    authors_keys: Pairs = ()

    def __init__(
        self,
        *,
        embed: Callable[[int], nn.Module],
        block: Callable[[int, int, float], nn.Module],
        embed_dims: Sequence[int],
        depths: Sequence[int],
        norm_indices: Sequence[int] = range(NUM_STAGES),
        norm_eps: float = 1e-5,
        chain_norms: bool = False,
        drop_path_rate: float = 0.0,
        out_indices: Sequence[int] = tuple(range(NUM_STAGES)),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(_by_name(init_cfg))
        stages = range(NUM_STAGES)
        if (
            not is_list_of(out_indices, int)
            or not out_indices
            or list(out_indices) != sorted(set(out_indices) & set(stages))
        ):
            raise ValueError(
                f'out_indices is {out_indices}, but must be one or more of '
                f'{tuple(stages)}, ascending, each once'
            )
        allowed = range(-1, NUM_STAGES + 1)
        if type(frozen_stages) is not int or frozen_stages not in allowed:
            raise ValueError(
                f'frozen_stages is {frozen_stages}, but must be an integer from -1 '
                f'to {NUM_STAGES}'
            )
        if not 0 <= drop_path_rate < 1:
            raise ValueError(
                f'drop_path_rate is {drop_path_rate}, but must be in [0, 1)'
            )

        self.out_indices = tuple(out_indices)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.chain_norms = chain_norms
        num_stages = self.out_indices[-1] + 1
        self.embed_dims = tuple(embed_dims[:num_stages])
        self.depths = tuple(depths[:num_stages])

        # The schedule runs over all blocks of the paper's model, built or not.
        last = sum(depths) - 1
        rates = (drop_path_rate * i / last for i in range(last + 1))
        self.stages = nn.ModuleList(
            Stage(
                embed(stage),
                [block(stage, index, next(rates)) for index in range(depth)],
                with_cp=with_cp,
            )
            for stage, depth in enumerate(self.depths)
        )
        used = [i for i in norm_indices if chain_norms or i in out_indices]
        self.norms = nn.ModuleList(
            nn.LayerNorm(dim, eps=norm_eps) if i in used else nn.Identity()
            for i, dim in enumerate(self.embed_dims)
        )
        self.apply(init_vision_transformer)
        for module in self._frozen():
            module.requires_grad_(False)
        self.train()
        # A bound method would be a reference cycle: `del model` would free no memory.
        self.register_load_state_dict_pre_hook(_translate_authors_names)

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each output: the ``in_channels`` of a neck."""
        return tuple(self.embed_dims[i] for i in self.out_indices)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Input pixels per output pixel, for each output."""
        return tuple(4 * 2**i for i in self.out_indices)

    @property
    def name_pairs(self) -> Pairs:
        """Prefixes of the authors' parameter names and of ours in this model."""
        normed = [i for i, n in enumerate(self.norms) if isinstance(n, nn.LayerNorm)]
        if normed != [NUM_STAGES - 1]:
            return self.authors_keys
        return (FINAL_NORM, *self.authors_keys)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute multi-scale features.

        Args:
            x: images, (B, C, H, W).

        Returns:
            One contiguous map (B, C_i, H_i, W_i) for each of ``out_indices``.
        """
        outs = []
        x = x.permute(0, 2, 3, 1)
        for i, (stage, norm) in enumerate(zip(self.stages, self.norms)):
            x = stage(x)
            normed = norm(x)
            if i in self.out_indices:
                # mmcv's compiled operators assume NCHW memory, whatever the strides.
                outs.append(normed.permute(0, 3, 1, 2).contiguous())
            if self.chain_norms:
                x = normed
        return tuple(outs)

    def train(self, mode: bool = True) -> FourStageBackbone:
        """Set the mode; frozen stages and, with ``norm_eval``, BatchNorm stay in eval.

        Args:
            mode: True for training, False for evaluation. Defaults to True.

        Returns:
            The backbone.
        """
        super().train(mode)
        for module in self._frozen():
            module.eval()
        for module in self.modules() if self.norm_eval else ():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self

    def resize(self, name: str, value: Tensor) -> Tensor | None:
        """Resize a checkpoint's parameter to the shape it has in this model.

        Args:
            name: its name in this model.
            value: its value in the checkpoint.

        Returns:
            The resized parameter, or None if it cannot be resized.
        """
        return None

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Return the depth of a parameter, for layer-wise learning-rate decay.

        Layer 0 is the first embedding, layers 1 to n are the blocks (a later embedding
        counts with the block after it, a norm with the block before it), and the last
        layer holds the final norm and everything outside the backbone.

        Args:
            param_name: the parameter's name in the whole model.
            prefix: prefix of the backbone's names in that model, e.g. ``'backbone.'``.
                Defaults to ''.

        Returns:
            The layer of the parameter, and the number of layers.
        """
        blocks_before = [0, *accumulate(self.depths)]
        last = blocks_before[-1] + 1
        name = param_name.removeprefix(prefix)
        parts = name.split('.') if param_name.startswith(prefix) else []
        match parts:
            case ['stages', '0', 'embed', *_]:
                layer = 0
            case ['stages', stage, 'embed', *_]:
                layer = blocks_before[int(stage)] + 1
            case ['stages', stage, 'blocks', index, *_]:
                layer = blocks_before[int(stage)] + int(index) + 1
            case ['norms', stage, *_] if int(stage) < len(self.depths) - 1:
                layer = blocks_before[int(stage) + 1]
            case _:
                layer = last
        return layer, last + 1

    def _frozen(self) -> Iterator[nn.Module]:
        """Yield the modules that ``frozen_stages`` freezes."""
        if self.frozen_stages >= 0:
            yield self.stages[0].get_submodule('embed')
            yield from self.stages[: self.frozen_stages]
            yield from self.norms[: self.frozen_stages]


def _by_name(init_cfg: InitCfg) -> InitCfg:
    """Replace the class ``PretrainedInit`` by its registered name.

    Only the name leads to the initialiser that :mod:`sepvit_mm.checkpoints` registers.
    """

    def named(cfg: dict[str, Any]) -> dict[str, Any]:
        return {**cfg, 'type': 'Pretrained'} if cfg['type'] is PretrainedInit else cfg

    if isinstance(init_cfg, (list, tuple)):
        return [named(cfg) for cfg in init_cfg]
    return named(init_cfg) if isinstance(init_cfg, dict) else init_cfg


def _translate_authors_names(
    backbone: FourStageBackbone, state_dict: dict[str, Any], prefix: str, *_: Any
) -> None:
    """Rename the authors' parameters of a state dict in place, before it is loaded."""
    own = {n.removeprefix(prefix): n for n in state_dict if n.startswith(prefix)}
    if any(translate(name, backbone.name_pairs) for name in own):
        values = {name: state_dict.pop(given) for name, given in own.items()}
        renamed = to_ours(values, backbone.name_pairs)
        state_dict.update({prefix + name: v for name, v in renamed.items()})
