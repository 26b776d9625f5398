"""Measure the peak memory of a model, each in a process of its own.

Within one process a model would find memory that an earlier one has left to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from .cases import Case

STATUS = Path('/proc/self/status')  # has the peak of this process, VmHWM
RESET = Path('/proc/self/clear_refs')  # sets it back, if 5 is written


def peak_memory(cases: Mapping[str, Case]) -> dict[str, int]:
    """Measure by how much memory rises at most while models compute once.

    On the CPU this is the memory of the process; on CUDA, that of PyTorch's tensors.

    Args:
        cases: what to measure, by name.

    Returns:
        Bytes beyond model and images, by name.

    Raises:
        NotImplementedError: on a CPU without Linux's files of processes.
    """
    peaks = {}
    for name, case in cases.items():
        if case.images.is_cuda:
            peaks[name] = _peak_on_cuda(case)
            continue
        if not RESET.exists():
            raise NotImplementedError(f'peak memory on the CPU needs Linux: no {RESET}')
        with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as process:
            threads = torch.get_num_threads()
            peaks[name] = process.submit(_peak_here, case, threads).result()
    return peaks


def _peak_here(case: Case, threads: int) -> int:
    """Measure in this process, which is used once."""
    torch.set_num_threads(threads)
    for value in (case.images, *case.model.state_dict().values()):
        value.sum()  # loads it, and so it does not count
    RESET.write_text('5')
    before = _peak()
    case()
    return _peak() - before


def _peak() -> int:
    lines = STATUS.read_text().splitlines()
    (line,) = (line for line in lines if line.startswith('VmHWM:'))
    return int(line.split()[1]) * 1024


def _peak_on_cuda(case: Case) -> int:
    torch.cuda.reset_peak_memory_stats(case.images.device)
    before = torch.cuda.max_memory_allocated(case.images.device)
    case()
    return torch.cuda.max_memory_allocated(case.images.device) - before


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
