"""The frame that every four-stage backbone of this package stands in.

A backbone's own file says what an embedding and a block are; this file owns the rest:
the stages, the outputs and their norms, freezing, checkpointing, the drop-path
schedule and what this ecosystem's training code asks a backbone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from itertools import accumulate
from typing import Any

import torch
from mmengine.model import BaseModule, PretrainedInit
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ..checkpoints import CheckpointError, fill
from ..checkpoints.keys import Pairs, translate
from .layers import init_vision_transformer

NUM_STAGES = 4
OWN_PARTS = ('stages.', 'norms.')
# What the authors of SepViT and LITv2 call the only norm of a classification model.
FINAL_NORM = ('norm.', f'norms.{NUM_STAGES - 1}.')


def is_list_of(value: object, kind: type = object) -> bool:
    """Whether a value is a list or tuple whose entries are of one kind."""
    return isinstance(value, (list, tuple)) and all(isinstance(n, kind) for n in value)


def resolve_arch(
    arch: str | Mapping[str, Sequence],
    variants: Mapping[str, Mapping[str, Sequence]],
) -> Mapping[str, Sequence]:
    """Look an architecture up by name, or check one given as a dict.

    Args:
        arch: a name in ``variants``, or a dict with the same keys as any of them.
        variants: name to architecture. Each value has one entry per stage;
            ``embed_dims``, ``depths`` and ``num_heads`` are among its keys.

    Returns:
        The architecture's dict.

    Raises:
        ValueError: an unknown name; missing or unknown keys; not four entries; a
            number that is not a positive integer; heads that do not divide channels.
    """
    if isinstance(arch, str):
        if arch not in variants:
            raise ValueError(
                f'arch is {arch!r}, but must be one of {sorted(variants)} or a dict'
            )
        return variants[arch]

    expected = set(next(iter(variants.values())))
    if not isinstance(arch, Mapping):
        raise ValueError(
            f'arch is {arch!r}, but must be one of {sorted(variants)} or a dict of '
            f'{sorted(expected)}'
        )
    if set(arch) != expected:
        raise ValueError(
            f'arch has the keys {sorted(arch)}, but needs exactly {sorted(expected)}'
        )
    for key, value in arch.items():
        if not is_list_of(value) or len(value) != NUM_STAGES:
            raise ValueError(
                f'arch[{key!r}] is {value}, but needs a list with one entry for each '
                f'of {NUM_STAGES} stages'
            )
    for key in ('embed_dims', 'depths', 'num_heads'):
        if not is_list_of(arch[key], int) or min(arch[key]) < 1:
            raise ValueError(f'arch[{key!r}] is {arch[key]}, but needs integers > 0')
    for dim, heads in zip(arch['embed_dims'], arch['num_heads']):
        if dim % heads:
            raise ValueError(
                f'{heads} heads do not divide {dim} channels: every entry of '
                "arch['embed_dims'] must be a multiple of that of arch['num_heads']"
            )
    return arch


class BatchStatisticsKept:
    """Within it, forward passes leave the running statistics of BatchNorm as they are.

    It may be entered again, as several backward passes do.
    """

    def __init__(self, module: nn.Module) -> None:
        self.norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]

    def __enter__(self) -> None:
        self.kept = [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        for norm, (_, count) in zip(self.norms, self.kept):
            norm.momentum = 0.0
            norm.num_batches_tracked = None if count is None else count.clone()

    def __exit__(self, *_: object) -> None:
        for norm, (momentum, count) in zip(self.norms, self.kept):
            norm.momentum, norm.num_batches_tracked = momentum, count


def recompute_later(block: nn.Module, x: Tensor) -> Tensor:
    """Run a block now, and again in the backward pass instead of keeping its values."""
    has_norms = any(isinstance(module, _BatchNorm) for module in block.modules())
    # what is compiled counts a batch once by itself
    if not has_norms or torch.compiler.is_compiling():
        return checkpoint(block, x, use_reentrant=False)
    # The second pass over the same batch must not count in running statistics.
    contexts = lambda: (nullcontext(), BatchStatisticsKept(block))  # noqa: E731
    return checkpoint(block, x, use_reentrant=False, context_fn=contexts)


class Stage(nn.Module):
    """An embedding or merging that lowers the resolution, then blocks that keep it.

    Args:
        embed: maps (B, H, W, C_in) to (B, H', W', C).
        blocks: each maps (B, H', W', C) to the same shape.
        with_cp: recompute each block's activations in the backward pass.
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

    Nothing is built that no gradient reaches: stages behind the last of
    ``out_indices`` do not exist, and neither do norms that nobody reads. Distributed
    training therefore works without ``find_unused_parameters``.

    The authors' checkpoints load through :meth:`load_state_dict`, strictly as any
    other: their parameter names are translated, and the classifier, which is no part
    of a backbone, is left out. So is the final norm of a classification checkpoint,
    unless the last output is the only one with a norm here too.

    Args:
        embed: ``embed(stage)`` builds the embedding (or merging) of a stage.
        block: ``block(stage, index, drop_path)`` builds a block of a stage, with its
            drop-path rate.
        embed_dims: channels of each of the four stages.
        depths: blocks of each of the four stages.
        norm_indices: outputs that get a LayerNorm.
        norm_eps: eps of these norms.
        chain_norms: whether the next stage receives the normalised map instead of
            the raw one. Then every stage but the last has a norm.
        drop_path_rate: stochastic depth of the last block; the blocks before it rise
            to it linearly from 0.
        out_indices: stages to return, ascending, out of 0 to 3 (strides 4 to 32).
        frozen_stages: -1 freezes nothing, 0 the first stage's embedding, n > 0 the
            first n stages, each with its embedding (or merging) before its blocks and
            its norm behind them: no gradient, evaluation mode.
        norm_eval: keep BatchNorm layers in evaluation mode while training.
        with_cp: activation checkpointing of every block (less memory, more time).
        init_cfg: mmengine's initialisation config, such as
            ``dict(type='Pretrained', checkpoint=...)``.

    Raises:
        ValueError: an argument is out of range; the message says what is allowed.
    """

    # Pairs of the authors' and our names of parameters, see `checkpoints.keys`.
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
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
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
        is_read = [chain_norms or i in out_indices for i in range(num_stages)]
        self.norms = nn.ModuleList(
            nn.LayerNorm(dim, eps=norm_eps)
            if is_read[i] and i in norm_indices
            else nn.Identity()
            for i, dim in enumerate(self.embed_dims)
        )
        self.apply(init_vision_transformer)
        self._freeze()
        # a bound method would make the model a part of itself, which del leaves alive
        self._register_load_state_dict_pre_hook(
            type(self)._translate_authors_keys, with_module=True
        )

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of each output, what a neck calls its ``in_channels``."""
        return tuple(self.embed_dims[i] for i in self.out_indices)

    @property
    def out_strides(self) -> tuple[int, ...]:
        """Input pixels per output pixel, for each output."""
        return tuple(4 * 2**i for i in self.out_indices)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute multi-scale features.

        Args:
            x: images, (B, 3, H, W).

        Returns:
            One contiguous map (B, C_i, H_i, W_i) for each of ``out_indices``.
        """
        outs = []
        x = x.permute(0, 2, 3, 1)
        for i, (stage, norm) in enumerate(zip(self.stages, self.norms)):
            x = stage(x)
            normed = norm(x)
            if i in self.out_indices:
                # mmcv's compiled ops read NCHW memory without looking at strides.
                outs.append(normed.permute(0, 3, 1, 2).contiguous())
            if self.chain_norms:
                x = normed
        return tuple(outs)

    def train(self, mode: bool = True) -> FourStageBackbone:
        """Set the mode, keeping frozen stages and, if asked, BatchNorm in eval."""
        super().train(mode)
        if mode:
            self._freeze()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        return self

    def init_weights(self) -> None:
        """Initialise as ``init_cfg`` says.

        ``dict(type='Pretrained', checkpoint=...)`` goes through
        :func:`sepvit_mm.checkpoints.fill`, whose arguments may stand in that dict.

        Raises:
            CheckpointError: the checkpoint cannot be read or does not fit.
        """
        whole = self.init_cfg
        cfgs = [whole] if isinstance(whole, dict) else list(whole or [])
        pretrained = [c for c in cfgs if c['type'] in ('Pretrained', PretrainedInit)]
        fresh = not self.is_init
        self.init_cfg = [cfg for cfg in cfgs if cfg not in pretrained]
        super().init_weights()
        self.init_cfg = whole
        for cfg in pretrained if fresh else []:
            try:
                fill(self, **{key: cfg[key] for key in cfg if key != 'type'})
            except CheckpointError as error:
                raise CheckpointError(
                    f'{error}\nTo start from random weights: --cfg-options '
                    'model.backbone.init_cfg=None'
                ) from error

    def resize(self, name: str, value: Tensor) -> Tensor | None:
        """Resize a parameter of a checkpoint to the shape that it has here.

        Args:
            name: its name here.
            value: as it is in the checkpoint.

        Returns:
            The resized parameter, or None where there is no way to.
        """
        return None

    @property
    def name_pairs(self) -> Pairs:
        """The authors' and our names in this model, for ``checkpoints.keys``."""
        normed = [i for i, n in enumerate(self.norms) if isinstance(n, nn.LayerNorm)]
        if normed != [NUM_STAGES - 1]:
            return self.authors_keys
        return (FINAL_NORM, *self.authors_keys)

    def _translate_authors_keys(
        self, state_dict: dict[str, Any], prefix: str, *_: Any
    ) -> None:
        """Rename an authors' checkpoint in place, before it is loaded."""
        keys = [key for key in state_dict if key.startswith(prefix)]
        ours = [translate(key[len(prefix) :], self.name_pairs) for key in keys]
        if not any(ours):
            return
        for key, name in zip(keys, ours):
            value = state_dict.pop(key)
            if name is not None:
                state_dict[prefix + name] = value
            elif not key[len(prefix) :].startswith(('head.', 'norm.')):
                state_dict[key] = value

    def _freeze(self) -> None:
        if self.frozen_stages < 0:
            return
        frozen = [self.stages[0].embed]
        frozen += [*self.stages[: self.frozen_stages]]
        frozen += [*self.norms[: self.frozen_stages]]
        for module in frozen:
            module.eval().requires_grad_(False)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Tell how deep a parameter lies, for layer-wise learning-rate decay.

        Layer 0 is the first embedding, layers 1 to n are the blocks (a later
        embedding counts with the block behind it, a norm with the block before it),
        and the last layer is everything behind the backbone's last block.

        Args:
            param_name: the parameter's name in the whole model.
            prefix: what stands before this backbone's own names, as ``'backbone.'``.

        Returns:
            The layer of the parameter, and the number of layers.
        """
        num_layers = sum(self.depths) + 2
        name = param_name[len(prefix) :]
        if not param_name.startswith(prefix) or not name.startswith(OWN_PARTS):
            return num_layers - 1, num_layers
        kind, stage, *rest = name.split('.')
        blocks_before = [0, *accumulate(self.depths)]
        stage = int(stage)
        if kind == 'norms':
            is_last = stage == len(self.depths) - 1
            return blocks_before[stage + 1] + is_last, num_layers
        if rest[0] == 'embed':
            return (blocks_before[stage] + 1 if stage else 0), num_layers
        return blocks_before[stage] + int(rest[1]) + 1, num_layers
