"""Measure the peak memory of inference, each model in a process of its own.

Within one process a model would find memory that an earlier one has left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor, nn

STATUS = Path('/proc/self/status')  # has the peak of this process, VmHWM
RESET = Path('/proc/self/clear_refs')  # sets it back, if 5 is written


def peak_memory(models: Mapping[str, nn.Module], images: Tensor) -> dict[str, int]:
    """Measure by how much memory rises at most while models predict.

    On the CPU this is the memory of the process; on CUDA, that of PyTorch's tensors.

    Args:
        models: what to measure, by name, in evaluation mode.
        images: (B, C, H, W), on the device that the models are to run on.

    Returns:
        Bytes beyond model and images, by name.

    Raises:
        NotImplementedError: on a CPU without Linux's files of processes.
    """
    if images.is_cuda:
        return {name: _peak_on_cuda(model, images) for name, model in models.items()}
    if not RESET.exists():
        raise NotImplementedError(f'peak memory on the CPU needs Linux: no {RESET}')
    shape, threads = images.shape, torch.get_num_threads()
    peaks = {}
    for name, model in models.items():
        with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as process:
            peaks[name] = process.submit(_peak_here, model, shape, threads).result()
    return peaks


@torch.inference_mode()
def _peak_here(model: nn.Module, shape: torch.Size, threads: int) -> int:
    """Measure in this process, which is used once."""
    torch.set_num_threads(threads)
    images = torch.randn(shape)
    for weight in model.state_dict().values():
        weight.sum()  # loads it, and so it does not count
    RESET.write_text('5')
    before = _peak()
    model(images)
    return _peak() - before


def _peak() -> int:
    lines = STATUS.read_text().splitlines()
    (line,) = (line for line in lines if line.startswith('VmHWM:'))
    return int(line.split()[1]) * 1024


@torch.inference_mode()
def _peak_on_cuda(model: nn.Module, images: Tensor) -> int:
    model.to(images.device)
    torch.cuda.reset_peak_memory_stats(images.device)
    before = torch.cuda.max_memory_allocated(images.device)
    model(images)
    peak = torch.cuda.max_memory_allocated(images.device) - before
    model.cpu()
    return peak


def to_markdown(peaks: Mapping[str, int], reference: str) -> str:
    """Format the result of :func:`peak_memory` as a Markdown table.

    Args:
        peaks: bytes by name.
        reference: the name to compare with.
    """
    lines = [f'| model | peak GiB | of {reference} |', '|---|---|---|']
    for name, peak in peaks.items():
        share = peak / peaks[reference]
        lines.append(f'| {name} | {peak / 2**30:.2f} | {share:.2f} |')
    return '\n'.join(lines)
