"""A model in one setting, ready to be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Task = Literal['inference', 'training']
Runtime = Literal['eager', 'compile']
Precision = Literal['fp32', 'bf16', 'fp16']
DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


@dataclass(frozen=True)
class Setting:
    """How a model computes.

    Attributes:
        task: 'inference', or 'training': forward and backward pass.
        precision: of autocast. Defaults to 'fp32': no autocast.
        runtime: 'eager', or 'compile' for inductor. Defaults to 'eager'.
    """

    task: Task = 'inference'
    precision: Precision = 'fp32'
    runtime: Runtime = 'eager'


def total(outputs: Any) -> Tensor:
    """Reduce the outputs of a backbone, or the losses of a model, to one number.

    Args:
        outputs: a tensor, or tensors in lists, tuples and dicts.
    """
    if isinstance(outputs, Tensor):
        return outputs.float().square().mean()
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return sum((total(value) for value in values), torch.zeros(()))


class Case:
    """A model in one setting, with its images.

    Args:
        model: changed in place: its mode, its device, and whether it is compiled.
        images: (B, C, H, W), on the device.
        setting: how it computes.
        forward: what is timed, of model and images; its outputs are what
            :func:`total` takes. Defaults to calling the model.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        setting: Setting,
        forward: Callable[[nn.Module, Tensor], Any] = nn.Module.__call__,
    ) -> None:
        self.images, self.setting, self.forward = images, setting, forward
        self.model = model.to(images.device).train(setting.task == 'training')
        if setting.runtime == 'compile':
            getattr(model, 'backbone', model).compile()

    def __call__(self) -> None:
        """Compute once."""
        dtype = DTYPES[self.setting.precision]
        autocast = torch.autocast(
            self.images.device.type, dtype, enabled=dtype != torch.float32
        )
        if self.setting.task == 'inference':
            with torch.inference_mode(), autocast:
                self.forward(self.model, self.images)
            return
        with autocast:
            outputs = self.forward(self.model, self.images)
        total(outputs).backward()
        self.model.zero_grad()
