"""What a figure of speed depends on: the machine and its libraries."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

CPU_INFO = Path('/proc/cpuinfo')
INSTRUCTIONS = {
    'avx2': 'AVX2',
    'avx512f': 'AVX-512',
    'avx512_bf16': 'AVX512-BF16',
    'amx_bf16': 'AMX-BF16',
    'amx_int8': 'AMX-INT8',
    'asimd': 'NEON',
    'sve': 'SVE',
}
"""Instruction sets that decide on speed, by their names in Linux."""
TIMED = ('torch', 'timm')
SIDE = 2048  # of the matrices whose product is timed
PRODUCTS = 5
BUSY = 0.25
"""Load on each core from which a machine is too busy to time anything."""


def describe(device: torch.device) -> str:
    """Name the processor or GPU, its threads, instructions and libraries.

    Args:
        device: what computes.
    """
    if device.type == 'cuda':
        parts = [torch.cuda.get_device_name(device), f'CUDA {torch.version.cuda}']
    else:
        flags = _cpu_info('flags') or _cpu_info('Features')
        known = [name for flag, name in INSTRUCTIONS.items() if flag in flags.split()]
        name = _cpu_info('model name') or platform.processor() or platform.machine()
        parts = [name, f'{torch.get_num_threads()} threads', ' '.join(known)]
    named = [f'{package} {number}' for package, number in versions(TIMED)]
    return ', '.join([*filter(None, parts), *named])


def _cpu_info(key: str) -> str:
    if not CPU_INFO.exists():
        return ''
    for line in CPU_INFO.read_text().splitlines():
        name, _, value = line.partition(':')
        if name.strip() == key:
            return value.strip()
    return ''


def versions(libraries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the packages of libraries that are installed, and their versions.

    Args:
        libraries: names; OpenMMLab's may be installed as ``onedl-`` packages.
    """
    for library in libraries:
        for package in (library, f'onedl-{library}'):
            with suppress(PackageNotFoundError):
                yield package, version(package)


def load() -> float:
    """Return how many other processes each core has had to run in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@torch.inference_mode()
def matrix_speed(dtype: torch.dtype, device: torch.device) -> float:
    """Time products of two large matrices.

    Args:
        dtype: of the matrices.
        device: where they are.

    Returns:
        Multiply-accumulates a second, of the fastest product.
    """
    a, b = (torch.randn(SIDE, SIDE, device=device, dtype=dtype) for _ in 'ab')
    times = []
    for _ in range(PRODUCTS):
        wait(device)
        start = time.perf_counter()
        a @ b
        wait(device)
        times.append(time.perf_counter() - start)
    return SIDE**3 / min(times)


def wait(device: torch.device) -> None:
    """Wait until a device has done what it was told; a CPU always has.

    Args:
        device: the device.
    """
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
