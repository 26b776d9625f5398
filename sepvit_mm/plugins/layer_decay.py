"""Layer-wise learning-rate decay for models whose backbone reports layer depths."""

from __future__ import annotations

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """The default constructor, with learning rates that fall towards the input.

    ``paramwise_cfg`` takes all keys of the default constructor, and
    ``layer_decay_rate``: a parameter's learning rate is multiplied by this rate once
    for every layer between it and the heads, whose rate is unchanged. Layers are
    determined by the backbone's ``get_layer_depth``, which the backbones of this
    package and mmpretrain's have. The corresponding constructors in mmdet and mmseg
    support only a few of their backbones; mmpretrain's supports neither detectors nor
    ``lr_mult``::

        optim_wrapper = dict(
            constructor='LayerDecayOptimWrapperConstructor',
            paramwise_cfg=dict(layer_decay_rate=0.8),
        )

    Args:
        optim_wrapper_cfg: the config's ``optim_wrapper``, without ``constructor`` and
            ``paramwise_cfg``.
        paramwise_cfg: the keys above. Required: the default, None, is refused.

    Raises:
        ValueError: there is no rate in (0, 1].
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        # without a paramwise_cfg the parent would not visit the layers at all
        self.rate = self.paramwise_cfg.get('layer_decay_rate')
        if self.rate is None or not 0 < self.rate <= 1:
            raise ValueError(
                f'paramwise_cfg.layer_decay_rate is {self.rate}, but must be in (0, 1]'
            )

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: bool | None = None,
    ) -> None:
        """Add the parameters of a module and its children, each as a group.

        Args:
            params: the groups so far; extended in place.
            module: the module whose parameters to add.
            prefix: name of the module in the model. Defaults to '': the model itself.
            is_dcn_module: whether it is part of a deformable convolution. Defaults to
                None.

        Raises:
            ValueError: the model has no backbone with ``get_layer_depth``.
        """
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix:
            return  # the model itself comes last, when all groups exist
        backbone: Any = getattr(module, 'backbone', None)
        if not hasattr(backbone, 'get_layer_depth'):
            raise ValueError(
                f'{type(module).__name__} has no backbone with get_layer_depth: '
                f'its backbone is {type(backbone).__name__}'
            )
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        for group in params:
            (parameter,) = group['params']
            depth, count = backbone.get_layer_depth(names[id(parameter)], 'backbone.')
            scale = self.rate ** (count - 1 - depth)
            group['lr'] = group.get('lr', self.base_lr) * scale
