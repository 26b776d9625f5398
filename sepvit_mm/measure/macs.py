"""Count parameters and multiply-accumulates, by kind and by module.

Papers call multiply-accumulates (MACs) FLOPs, and do not agree on what to count. Here
every kind is counted on its own, so that each paper's number can be reproduced:

- ``linear``: linear layers and convolutions;
- ``attention``: the batched products of attention: queries with keys, affinities with
  values;
- ``deformable``: deformable convolutions;
- ``norm``: LayerNorm, at five per value, as fvcore counts it.

Other norms, activations, additions, pooling and interpolation are not counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

PRODUCTS = ('linear', 'attention', 'deformable')
KINDS = (*PRODUCTS, 'norm')
_KIND_OF = {
    'convolution': 'linear',
    '_convolution': 'linear',
    'mm': 'linear',
    'addmm': 'linear',
    'bmm': 'attention',
    'baddbmm': 'attention',
    'deform_conv2d': 'deformable',
    'native_layer_norm': 'norm',
}
# Regions that papers count in the second stage of a detector.
NUM_BOXES, NUM_MASKS = 1000, 100

Macs = Counter[str]


def _deform_conv2d_flops(
    x_shape: torch.Size, weight_shape: torch.Size, *_: Any, out_shape: Any, **__: Any
) -> int:
    return 2 * math.prod(out_shape) * math.prod(weight_shape[1:])


def _layer_norm_flops(x_shape: torch.Size, *_: Any, **__: Any) -> int:
    return 2 * 5 * math.prod(x_shape)


def _formulas() -> dict[Any, Any]:
    """Return FLOP formulas for operators that PyTorch's counter does not know."""
    formulas = {torch.ops.aten.native_layer_norm: _layer_norm_flops}
    try:
        import torchvision  # noqa: F401  registers its operators
    except ImportError:
        return formulas
    return {**formulas, torch.ops.torchvision.deform_conv2d: _deform_conv2d_flops}


class _Root(nn.Module):
    """A wrapper that gives all modules of a model the same prefix."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> None:
        _run(self.model, inputs)


def _run(model: Any, images: Tensor) -> None:
    """Run the parts of a task model that papers count, or any other model's forward."""
    if not hasattr(model, 'extract_feat'):
        model(images)
        return
    features = model.extract_feat(images)
    if hasattr(model, 'rpn_head'):
        model.rpn_head(features)
        _run_on_regions(model.roi_head, images)
        return
    names = ('bbox_head', 'mask_head', 'decode_head', 'head')
    heads = [getattr(model, name, None) for name in names]
    head = next((head for head in heads if head is not None), None)
    if isinstance(head, nn.ModuleList):  # each refines the previous one's output
        given = head[0](features)
        for refine in head[1:]:
            given = refine(features, given)
    elif head is not None:
        head(features)


def _run_on_regions(roi_head: Any, images: Tensor) -> None:
    """Run the second stage of a detector on as many regions as papers count."""
    for name, extractor, count in (
        ('bbox_head', 'bbox_roi_extractor', NUM_BOXES),
        ('mask_head', 'mask_roi_extractor', NUM_MASKS),
    ):
        heads = getattr(roi_head, name, None)
        if heads is None:
            continue
        extractors = getattr(roi_head, extractor)
        if not isinstance(heads, nn.ModuleList):  # a cascade has several
            heads, extractors = [heads], [extractors]
        for head, extract in zip(heads, extractors):
            size = extract.roi_layers[0].output_size
            regions = images.new_zeros(count, extract.out_channels, *size)
            if roi_head.with_shared_head:
                regions = roi_head.shared_head(regions)
            head(regions)


def macs_by_module(model: nn.Module, inputs: Tensor) -> dict[str, Macs]:
    """Count the multiply-accumulates of one forward pass, by module and by kind.

    Of models of mmdet, mmseg and mmpretrain it runs what papers count: features and
    heads, without turning their outputs into boxes or masks; the second stage of a
    detector on 1000 boxes and 100 masks; no auxiliary head. On the ``meta`` device it
    counts without computing anything.

    Args:
        model: any module; it runs in its current mode.
        inputs: images (B, 3, H, W), or another module's only input.

    Returns:
        MACs of the whole batch by kind, by name of the module; ``''`` is the model.
    """
    # Fused attention is one opaque operator; the math backend is matrix products.
    counter = FlopCounterMode(display=False, custom_mapping=_formulas())
    with counter, sdpa_kernel(SDPBackend.MATH):
        _Root(model)(inputs)

    root = '_Root.model'
    counts: dict[str, Macs] = {'': Counter()}
    for path, operators in counter.get_flop_counts().items():
        is_inner = path.startswith(f'{root}.')
        if is_inner or path == '_Root':
            name = path[len(root) + 1 :] if is_inner else ''
            for operator, flops in operators.items():
                kind = _KIND_OF[str(operator).split('.')[-1]]
                counts.setdefault(name, Counter())[kind] += flops // 2
    # A linear layer may run as a batched product, which is no attention.
    for name, module in model.named_modules():
        batched = counts.get(name, Counter())['attention']
        if isinstance(module, nn.Linear) and batched:
            for around in (name, *_around(name)):
                if around in counts:
                    counts[around].update(linear=batched, attention=-batched)
    called = set(counts)
    for name in called:
        for parent in _around(name):
            if parent in called:
                break  # whose counts include these
            counts.setdefault(parent, Counter()).update(counts[name])
    return counts


def _around(name: str) -> Iterator[str]:
    """Yield the names of a module's ancestors, from its parent to ''."""
    while name:
        name = name.rpartition('.')[0]
        yield name


def uncounted(model: nn.Module, counts: Mapping[str, Macs]) -> list[str]:
    """List the direct children of a model that have parameters but did not run.

    Args:
        model: the argument of :func:`macs_by_module`.
        counts: its result.
    """
    return [
        name
        for name, part in model.named_children()
        if name not in counts and any(True for _ in part.parameters())
    ]


def count_macs(
    model: nn.Module,
    inputs: Tensor,
    *,
    kinds: Iterable[str] = PRODUCTS,
) -> int:
    """Count the multiply-accumulates of one forward pass.

    Args:
        model: as for :func:`macs_by_module`.
        inputs: as for :func:`macs_by_module`.
        kinds: which of ``KINDS`` to count. Defaults to all products.

    Returns:
        Multiply-accumulates of the whole batch.

    Raises:
        ValueError: an unknown kind.
    """
    kinds = tuple(kinds)
    if not set(kinds) <= set(KINDS):
        raise ValueError(f'kinds is {kinds}, but must be some of {KINDS}')
    total = macs_by_module(model, inputs)['']
    return sum(total[kind] for kind in kinds)


def count_parameters(model: nn.Module) -> int:
    """Count all parameters, trained or frozen."""
    return sum(parameter.numel() for parameter in model.parameters())
