"""Time a few real steps of a config, to know how many there is time for."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from .trial import trial

WARM, TIMED, EVALUATED = 3, 8, 4


class Pace(NamedTuple):
    """How fast a config trains here.

    Attributes:
        step: seconds of a step, loading included.
        image: seconds to predict one held-out image.
    """

    step: float
    image: float


def time_steps(cfg: Config) -> Pace:
    """Train a few steps, predict a few held-out images, and time both.

    Args:
        cfg: from :func:`load_config`; left unchanged. Nothing is written to its work
            dir.
    """
    with trial(cfg, steps=WARM + TIMED, purpose='Timing steps') as runner:
        step = runner.message_hub.get_scalar('train/time').mean(TIMED)
        return Pace(float(step), _time_prediction(runner, cfg.val_dataloader))


def _time_prediction(runner: Runner, settings: Any) -> float:
    loader = Runner.build_dataloader(
        {**settings, 'num_workers': 0, 'persistent_workers': False}
    )
    model = runner.model.eval()
    with torch.no_grad():
        begin = time.perf_counter()
        count = 0
        for batch in islice(loader, EVALUATED):
            count += len(model.val_step(batch))
        return (time.perf_counter() - begin) / count
