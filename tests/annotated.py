"""Annotated images as they are read, for tests of what is made from them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from noise import (
    HEIGHT,
    NAMES,
    WIDTH,
    _box,
    write_images,
    write_masks,
)

from sepvit_mm.projects.machine import Machine
from sepvit_mm.samples.sample import Object, Sample, Samples, Task

CPU = Machine(cores=2, memory=24)
GPU = Machine(cores=128, memory=900, gpu='NVIDIA A100-SXM4-80GB', gpu_memory=80)
TASKS = get_args(Task)


def classified(labels, digests=None, splits=None) -> Samples:
    """Images of one class each, which need not exist."""
    digests = digests or [f'digest {index}' for index in range(len(labels))]
    splits = splits or [None] * len(labels)
    samples = [
        Sample(Path(f'/images/{i}.jpg'), (64, 64), digest, own, label=label)
        for i, (label, digest, own) in enumerate(zip(labels, digests, splits))
    ]
    return Samples('classification', '', tuple(sorted({*labels})), tuple(samples))


def detected(boxes, size=(1000, 800), count=10) -> Samples:
    """Images with these boxes each, which need not exist."""
    objects = tuple(Object('cat', box) for box in boxes)
    samples = (
        Sample(Path(f'/images/{i}.jpg'), size, str(i), objects=objects)
        for i in range(count)
    )
    return Samples('detection', '', ('cat',), tuple(samples))


def noisy(root: Path, task: str) -> Samples:
    """Images of noise that exist, with annotations for a task."""
    folder = root / 'images/train'
    write_masks(root)
    samples = []
    for index, name in enumerate(write_images(folder)):
        left, top, width, height = _box(index)
        right, bottom = left + width, top + height
        outline = (left, top, right, top, right, bottom, left, bottom)
        label = NAMES[index % 2]
        sample = Sample(folder / name, (WIDTH, HEIGHT), name)
        if task in ('detection', 'instance'):
            objects = (Object(label, (left, top, right, bottom), (outline,)),)
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, objects=objects)
        elif task == 'semantic':
            mask = root / 'masks/train' / name
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, mask=mask)
        else:
            sample = Sample(folder / name, (WIDTH, HEIGHT), name, label=label)
        samples.append(sample)
    values = {0: 0, 1: 1} if task == 'semantic' else {}
    return Samples(task, 'noise', NAMES, tuple(samples), values=values)
