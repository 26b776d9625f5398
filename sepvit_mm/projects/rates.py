"""Choose a learning rate by a short range test (Smith, 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
from mmengine.config import Config

from .trial import trial

LEAST, MOST = 1e-5, 1e-2  # tried
WARM, STEPS = 10, 60
WINDOW = 20  # steps that a slope is fitted to: a third of the range, a decade
SAFETY = 2.0  # a rate that a few steps bear is too high for a whole training
ALLOWED = (2e-4, 2e-3)


def find_rate(cfg: Config) -> float | None:
    """Train a few steps at a rising rate, and choose one at which the loss falls.

    Args:
        cfg: from :func:`load_config`; left unchanged. Nothing is written to its work
            dir.

    Returns:
        The rate; None if the loss does not fall, so that none is the best.
    """
    cfg = deepcopy(cfg)
    cfg.optim_wrapper.optimizer.lr = LEAST
    cfg.param_scheduler = [
        dict(
            type='ExponentialLR',
            gamma=(MOST / LEAST) ** (1 / (STEPS - 1)),
            by_epoch=False,
            begin=WARM,
        )
    ]
    with trial(cfg, steps=WARM + STEPS, purpose='Trying learning rates') as runner:
        losses, _ = runner.message_hub.get_scalar('train/loss').data
    return steepest(np.asarray(losses)[WARM:].tolist())


def steepest(losses: Sequence[float]) -> float | None:
    """Return the rate for a training, given the losses at a rising rate.

    It is the middle of the window in which the loss falls fastest, divided by a safety
    factor, within what is allowed.

    Args:
        losses: of steps whose rates rise exponentially from the least to the most.
    """
    logs = np.log10(np.geomspace(LEAST, MOST, len(losses)))
    finite = np.isfinite(losses)
    end = len(losses) if finite.all() else int(np.argmin(finite))
    slopes = [
        np.polyfit(logs[i : i + WINDOW], losses[i : i + WINDOW], 1)[0]
        for i in range(end - WINDOW + 1)
    ]
    if not slopes or min(slopes) >= 0:
        return None
    best = int(np.argmin(slopes))
    rate = 10 ** float(logs[best : best + WINDOW].mean()) / SAFETY
    return float(np.clip(rate, *ALLOWED))
