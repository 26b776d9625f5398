"""Choose a recipe from the data and the machine, and say why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..samples.sample import Samples, Task
from .anchors import Anchors, choose_anchors
from .backbones import Backbone
from .machine import Machine
from .methods import Method
from .sizes import Input, choose_input, object_boxes
from .splits import Splits
from .timing import Pace
from .weights import Start

# Images of a step on a CPU, and the learning rate that suits so many. Other batches
# change the rate with the square root of their size, as suits AdamW.
BATCH: dict[Task, int] = {
    'detection': 4,
    'instance': 2,
    'semantic': 4,
    'classification': 32,
}
RATE_FROM_RANDOM = 7e-4
RATE_FROM_WEIGHTS = 1e-4
# Steps: more data take more, but not in proportion.
LEAST_STEPS, MOST_STEPS = 800, 40_000
STEPS_PER_ROOT = 25  # of the number of objects, or of images where none are counted
LEAST_PASSES = 10  # over the images
WARMUP = 100
FEWEST_STEPS = 10
EVALUATIONS = 4
EVALUATION_SHARE = 0.2  # of the minutes, at most
OVERHEAD_SHARE = 0.05  # of the minutes: to start, and to write checkpoints


@dataclass(frozen=True)
class Choices:
    """What a config says, and why.

    Attributes:
        start: the backbone and its weights.
        method: the detector, segmentor or classifier.
        input: sizes of images.
        anchors: the anchors. None: the method has none to fit.
        batch: images of a step.
        workers: processes that load images.
        rate: the learning rate.
        steps: length of the training.
        steps_reason: why so long.
        evaluations: how often it is evaluated.
        machine: what it is chosen for.
    """

    start: Start
    method: Method
    input: Input
    anchors: Anchors | None
    batch: int
    workers: int
    rate: float
    steps: int
    steps_reason: str
    evaluations: int
    machine: Machine

    @property
    def warmup(self) -> int:
        """Steps in which the learning rate rises."""
        return max(1, min(WARMUP, self.steps // 5))

    @property
    def interval(self) -> int:
        """Steps between evaluations."""
        return max(1, self.steps // self.evaluations)

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """What was chosen, its value, and the reason."""
        backbone, checkpoint, why = self.start
        origin = f'from {checkpoint}' if checkpoint else 'from random weights'
        rows = [
            ('method', self.method.name, f'for {self.method.task}'),
            ('backbone', f'{backbone.name}, {origin}', why),
            ('input', self._size, self.input.reason),
        ]
        if self.anchors:
            rows.append(('anchors', self._anchors, self.anchors_reason))
        return [
            *rows,
            (
                'batch',
                f'{self.batch} images, loaded by {self.workers} '
                f'process{"es" * (self.workers > 1)}',
                self._fits,
            ),
            ('learning rate', f'{self.rate:g}', self.rate_reason),
            ('length', f'{self.steps} steps', self.steps_reason),
        ]

    @property
    def anchors_reason(self) -> str:
        """The share of boxes that the anchors reach."""
        assert self.anchors
        return f'reach {self.anchors.reach:.1%} of the boxes at an IoU of 0.5'

    @property
    def rate_reason(self) -> str:
        """Why the learning rate is what it is."""
        origin = 'pre-trained' if self.start.checkpoint else 'from scratch'
        return f'{origin}, {self.batch} images a step'

    @property
    def _size(self) -> str:
        if self.method.task == 'classification':
            return f'{self.input.side} x {self.input.side} pixels'
        crop = self.input.crop
        return f'{self.input.side} pixels long, crops of {crop} x {crop} in training'

    @property
    def _anchors(self) -> str:
        assert self.anchors
        ratios = ', '.join(f'{ratio:g}' for ratio in self.anchors.ratios)
        return f'{self.anchors.scale} strides, height to width {ratios}'

    @property
    def _fits(self) -> str:
        return f'for {self.machine}'


def choose(
    samples: Samples, splits: Splits, start: Start, method: Method, machine: Machine
) -> Choices:
    """Choose a recipe.

    Args:
        samples: all images.
        splits: those to train on, and others.
        start: the backbone and its weights.
        method: the method.
        machine: what will train.
    """
    batch = _batch(method.task, start.backbone, machine)
    usual = RATE_FROM_WEIGHTS if start.checkpoint else RATE_FROM_RANDOM
    rate = usual * (batch / BATCH[method.task]) ** 0.5
    size = choose_input(samples, splits.train, start.backbone, machine)
    steps, reason = _length(samples, splits, batch)
    return Choices(
        start=start,
        method=method,
        input=size,
        anchors=_anchors(samples, splits, start.backbone, method, size),
        batch=batch,
        workers=machine.workers,
        rate=float(f'{rate:.1e}'),
        steps=steps,
        steps_reason=reason,
        evaluations=EVALUATIONS,
        machine=machine,
    )


def length_for(
    minutes: float, pace: Pace, held_out: int
) -> tuple[int, int, float | None]:
    """Return how many steps and evaluations there is time for.

    Args:
        minutes: of the whole training.
        pace: how long a step and an evaluated image take.
        held_out: number of images that an evaluation takes.

    Returns:
        The steps, the evaluations, and None; or, if a single evaluation takes too much
        of the time, 1 evaluation, and how many seconds it takes after that time.

    Raises:
        InputError: there is no time to learn anything.
    """
    seconds = 60 * minutes * (1 - OVERHEAD_SHARE)
    evaluation = pace.image * held_out
    evaluations = min(EVALUATIONS, int(EVALUATION_SHARE * seconds / evaluation))
    steps = int((seconds - evaluations * evaluation) / pace.step)
    if steps < FEWEST_STEPS:
        raise InputError(
            f'in {minutes:g} minutes there is no time for {FEWEST_STEPS} steps of '
            f'{pace.step:.1f} seconds: give more minutes, or choose a smaller backbone'
        )
    return steps, max(1, evaluations), None if evaluations else evaluation


def _batch(task: Task, backbone: Backbone, machine: Machine) -> int:
    """Return how many images of a step this machine has memory for."""
    batch = BATCH[task]
    if machine.gpu:
        # narrow models on crops take a tenth of the memory of full ones
        room = machine.gpu_memory / (2 if backbone.width == 'narrow' else 8)
        return batch * int(np.clip(2 ** np.floor(np.log2(max(room, 1))), 1, 4))
    full = backbone.width == 'full'
    return max(2, batch // 2) if full or machine.memory < 6 else batch


def _anchors(
    samples: Samples, splits: Splits, backbone: Backbone, method: Method, size: Input
) -> Anchors | None:
    if method.anchors is None:
        return None
    boxes, sizes = object_boxes(samples, splits.train)
    factors = size.side / sizes.max(axis=1, keepdims=True)
    return choose_anchors(
        boxes * factors,
        strides=method.strides(backbone),
        octave=method.anchors.octave,
    )


def _length(samples: Samples, splits: Splits, batch: int) -> tuple[int, str]:
    images = len(splits.train)
    objects = sum(len(samples.samples[index].objects) for index in splits.train)
    count, noun = (objects, 'object') if objects else (images, 'image')
    noun += '' if count == 1 else 's'
    steps = max(LEAST_STEPS, STEPS_PER_ROOT * count**0.5, LEAST_PASSES * images / batch)
    steps = int(round(min(steps, MOST_STEPS), -1))
    passes = steps * batch / images
    return steps, f'for {count} {noun}; each image is seen {passes:.0f} times'
