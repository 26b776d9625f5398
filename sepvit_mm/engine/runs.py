"""Run a training or a test."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from uuid import uuid4

from mmengine.config import Config
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from ..checkpoints import read_file
from ..checkpoints.whole import (
    best_checkpoint,
    latest_checkpoint,
    load_entirely,
    require_fit,
)
from ..errors import InputError
from ..plugins.pictures import PictureHook
from ..plugins.summary import SummaryHook
from .annotations import mend_annotations
from .config import (
    backward_passes,
    datasets_of,
    is_address,
    require_data,
)
from .evaluators import use_faster_coco
from .models import find_device
from .precision import Precision, predict_in, suited


def train(
    cfg: Config,
    *,
    resume: str | Path | None = None,
    auto_scale_lr: bool = False,
    seed: int | None = None,
) -> Runner:
    """Train as the config says, evaluating on its ``val_dataloader``.

    The log begins with what the run will do, and ends with where its results are.
    Without a process group, SyncBN becomes plain batch norm. Mixed precision that this
    machine lacks becomes float32: float16 without a GPU, and bfloat16 on a CPU that
    would only emulate it. The log says so.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        resume: a checkpoint to resume from, or 'auto' for the last complete one in the
            work dir, if there is one. Defaults to None: start afresh.
        auto_scale_lr: whether to scale the learning rate by the actual batch size over
            the config's ``auto_scale_lr.base_batch_size``. Defaults to False.
        seed: seed of all random generators. Defaults to the config's, else random.

    Returns:
        The runner, with the trained ``model``.

    Raises:
        InputError: data or a checkpoint is missing or does not fit, annotations are
            faulty beyond repair, or the config lacks what an argument needs.
    """
    cfg = deepcopy(cfg)
    require_data(cfg, 'train_dataloader', 'val_dataloader')
    cfg.optim_wrapper, precision = suited(cfg.optim_wrapper)
    if auto_scale_lr:
        _scale_lr(cfg)
    if seed is not None:
        cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}
    checkpoint = latest_checkpoint(cfg.work_dir) if resume == 'auto' else resume
    if checkpoint is not None:
        _go_on_from(cfg, checkpoint)
    start = None if checkpoint is not None else _local_start(cfg)

    runner = _runner(cfg, 'train', 'val')
    if precision:
        runner.logger.warning(precision)
    if resume == 'auto' and checkpoint is None:
        runner.logger.info(f'no complete checkpoint in {cfg.work_dir}: starting afresh')
    if start is not None:
        require_fit(runner.model, start)
    if checkpoint is not None:
        _require_same_run(runner, checkpoint)
    if not any(isinstance(hook, SummaryHook) for hook in runner.hooks):
        runner.register_hook(SummaryHook())
    runner.train()
    return runner


def _runner(cfg: Config, *phases: str) -> Runner:
    """Build the Runner for these phases, with a visualizer of its own.

    Annotations are mended first; what is worth a warning is in the log.

    Raises:
        InputError: annotations have a fault that would end or falsify the run.
    """
    warnings = mend_annotations(cfg, *phases)
    is_faster = use_faster_coco(cfg, *phases)
    visualizer = cfg.get('visualizer') or {}
    if 'name' in visualizer:
        # Under a name that an earlier run in this process used, mmengine would hand out
        # that run's visualizer, which writes to that run's folder.
        visualizer['name'] = f'{visualizer["name"]}_{uuid4().hex[:8]}'
    runner = Runner.from_cfg(cfg)
    if is_faster:
        runner.logger.info('COCO metrics are computed by faster-coco-eval')
    for warning in warnings:
        runner.logger.warning(warning)
    return runner


def _scale_lr(cfg: Config) -> None:
    """Make the Runner scale the learning rate by all images of a step."""
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise InputError(f'{cfg.filename} has no auto_scale_lr.base_batch_size')
    cfg.auto_scale_lr.enable = True
    # mmengine counts the images of one backward pass as those of a step
    cfg.auto_scale_lr.base_batch_size /= backward_passes(cfg)


def _go_on_from(cfg: Config, checkpoint: str | Path) -> None:
    """Make the Runner resume from a checkpoint, without pretrained weights."""
    cfg.resume, cfg.load_from = True, str(checkpoint)
    if 'backbone' in cfg.model:
        cfg.model.backbone.init_cfg = None


def _local_start(cfg: Config) -> str | None:
    """Return the file that training starts from; None for an address or nothing.

    Raises:
        InputError: the file does not exist.
    """
    start = cfg.get('load_from')
    if not start or is_address(start):
        return None
    if not Path(start).is_file():
        raise InputError(f'load_from of {cfg.filename} not found: {start}')
    return start


def _require_same_run(runner: Runner, checkpoint: str | Path) -> None:
    """Refuse a checkpoint of another model, or one whose moving average is not used.

    mmengine would only warn about another model.
    """
    load_entirely(runner.model, checkpoint)
    averages = any(isinstance(hook, EMAHook) for hook in runner.hooks)
    if 'ema_state_dict' in read_file(checkpoint) and not averages:
        raise InputError(
            f'{checkpoint} is from training with a moving average (EMAHook), but this '
            'run has none: repeat --ema'
        )


def evaluate(
    cfg: Config,
    checkpoint: str | Path | None,
    *,
    tta: bool = False,
    show_dir: str | Path | None = None,
    device: str | None = None,
    precision: Precision = 'fp32',
    hooks: Sequence[Hook] = (),
) -> dict[str, float]:
    """Evaluate a checkpoint on the config's ``test_dataloader``.

    Args:
        cfg: from :func:`load_config`; left unchanged.
        checkpoint: a file or an address, or a folder, for the best checkpoint in it, or
            the last if training kept no best; it must fit the model key by key. None
            for a model that brings its weights.
        tta: whether to use test-time augmentation, by the config's ``tta_model`` and
            ``tta_pipeline``. Defaults to False.
        show_dir: folder for pictures of predictions beside the ground truth. Defaults
            to None: no pictures.
        device: such as 'cuda:1'. Defaults to None: a GPU if there is one.
        precision: numbers that the model predicts in. Defaults to 'fp32'.
        hooks: hooks to register, for instance to see the predictions. Defaults to
            none.

    Returns:
        All metrics of the config's evaluators, by name, e.g. ``coco/bbox_mAP`` in
        0..1 or ``mIoU`` in percent. Empty if mmdet has nothing to evaluate: no
        detection above the config's score threshold.

    Raises:
        InputError: data or the checkpoint is missing or does not fit, annotations are
            faulty beyond repair, the config does not define ``tta``, or the device
            lacks the precision.
    """
    cfg = deepcopy(cfg)
    require_data(cfg, 'test_dataloader')
    # mmengine would load these over the checkpoint
    cfg.load_from, cfg.resume = None, False
    if checkpoint is not None and Path(checkpoint).is_dir():
        checkpoint = checkpoint_in(checkpoint)
    if tta:
        augment(cfg)
    runner = _runner(cfg, 'test')
    if checkpoint is not None:
        load_entirely(runner.model, checkpoint)
    if show_dir is not None:
        runner.register_hook(PictureHook(show_dir))
    for hook in hooks:
        runner.register_hook(hook)
    if device is not None:
        runner.model.to(find_device(device))
    predict_in(precision, runner.model)
    return runner.test()


def checkpoint_in(folder: str | Path) -> Path:
    """Return the best checkpoint in a folder, or the last if training kept no best.

    Args:
        folder: where training wrote its checkpoints.

    Raises:
        InputError: there is none.
    """
    checkpoint = best_checkpoint(folder) or latest_checkpoint(folder)
    if checkpoint is None:
        raise InputError(
            f'{folder} has no complete best_*.pth, epoch_*.pth or iter_*.pth'
        )
    return checkpoint


def augment(cfg: Config) -> None:
    """Change a config, in place, to test with augmentation.

    Args:
        cfg: from :func:`load_config`.

    Raises:
        InputError: the config has no ``tta_model`` or no ``tta_pipeline``.
    """
    missing = [key for key in ('tta_model', 'tta_pipeline') if key not in cfg]
    if missing:
        raise InputError(f'--tta: {cfg.filename} has no {" and no ".join(missing)}')
    cfg.model = {**cfg.tta_model, 'module': cfg.model}
    for dataset in datasets_of(cfg.test_dataloader):
        if not ('dataset' in dataset or 'datasets' in dataset):  # not a wrapper
            dataset.pipeline = cfg.tta_pipeline
