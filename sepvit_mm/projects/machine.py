"""What this machine has to train with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import torch

Device = Literal['cpu', 'gpu']
GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """A machine to train on.

    Attributes:
        cores: CPU cores that this process may use.
        memory: main memory in GiB.
        gpu: name of its GPU. Defaults to None: it has none.
        gpu_memory: memory of the GPU in GiB. Defaults to 0.
    """

    cores: int
    memory: float
    gpu: str | None = None
    gpu_memory: float = 0.0

    def __str__(self) -> str:
        if self.gpu:
            return f'{self.gpu} ({self.gpu_memory:.0f} GiB)'
        cores = 'core' if self.cores == 1 else 'cores'
        return f'{self.cores} CPU {cores} ({self.memory:.0f} GiB)'

    @property
    def device(self) -> Device:
        """What trains: the GPU if there is one."""
        return 'gpu' if self.gpu else 'cpu'

    @property
    def workers(self) -> int:
        """Processes that load training images: a core is for the training."""
        return max(1, min(self.cores - 1, 8 if self.gpu else 4))

    @classmethod
    def here(cls) -> Machine:
        """Describe this machine."""
        if hasattr(os, 'sched_getaffinity'):
            cores = len(os.sched_getaffinity(0))
        else:
            cores = os.cpu_count() or 1
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB
        if not torch.cuda.is_available():
            return cls(cores, memory)
        device = torch.cuda.get_device_properties(0)
        return cls(cores, memory, device.name, device.total_memory / GIB)
