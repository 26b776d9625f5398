"""Another start from random weights, for narrow transformers."""

from __future__ import annotations

from mmengine.model.weight_init import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

# The last layer of an attention and of an MLP, in all our backbones.
LAST = ('proj', 'fc2')


@WEIGHT_INITIALIZERS.register_module()
class IdentityBlocks:
    """Lets attention and MLP add nothing at first, with active units inside.

    The usual standard deviation of linear weights is 0.02, whatever the number of
    channels. In a narrow model, the hidden values of an MLP are then around 0.1, where
    GELU is almost linear. Here, the weights are drawn so that hidden values have the
    variance of their input, and the last layer of an attention or an MLP is zero, so
    that what is not learned yet does not disturb. SepViT's positional convolutions
    still act. The model itself, its layers and their shapes, is unchanged. This is our
    own choice, for narrow models without pre-trained weights::

        backbone = dict(
            type='SepViT', arch='lite', init_cfg=dict(type='IdentityBlocks')
        )

    Linear layers are drawn from a truncated normal distribution with a standard
    deviation of ``1 / sqrt(in_features)``; those named ``proj`` and ``fc2`` are zero;
    biases are zero. Everything else stays as it is.
    """

    def __call__(self, module: nn.Module) -> None:
        """Initialise the linear layers of a module in place.

        Args:
            module: the backbone.
        """
        for name, layer in module.named_modules():
            if not isinstance(layer, nn.Linear):
                continue
            if name.rpartition('.')[2] in LAST:
                nn.init.zeros_(layer.weight)
            else:
                nn.init.trunc_normal_(layer.weight, std=layer.in_features**-0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'{type(self).__name__}: see its documentation')
