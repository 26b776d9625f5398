"""Layer-wise learning-rate decay for any model whose backbone tells its depth."""

from __future__ import annotations

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """The default constructor, with learning rates that fall towards the input.

    ``paramwise_cfg`` takes all keys of the default one, and with them
    ``layer_decay_rate``: a parameter's learning rate is multiplied by this rate once
    for every layer between it and the heads, whose own stays as it is. Layers are those
    of the backbone's ``get_layer_depth``, which the backbones of this package and
    mmpretrain's have. mmdet's and mmseg's constructors of this purpose know but a few
    backbones of their own, and mmpretrain's knows no detectors and no ``lr_mult``::

        optim_wrapper = dict(
            constructor='LayerDecayOptimWrapperConstructor',
            paramwise_cfg=dict(layer_decay_rate=0.8),
        )

    Raises:
        ValueError: there is no rate, or no such backbone.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        # without any paramwise_cfg the parent would not even look at the layers
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
        """Add the parameters of a module and those inside it, each as a group."""
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix:
            return  # the model itself comes last, with all groups there
        backbone = getattr(module, 'backbone', None)
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
