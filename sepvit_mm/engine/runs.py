"""One training run, one test run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.runner import Runner

from ..checkpoints import read_file
from ..errors import InputError
from ..checkpoints.whole import latest_checkpoint, load_entirely, require_fit
from .config import datasets_of, in_float32, require_data, type_of
from ..plugins.pictures import PictureHook


def train(
    cfg: Config,
    *,
    resume: str | Path | None = None,
    auto_scale_lr: bool = False,
    seed: int | None = None,
) -> Runner:
    """Train as the config says, evaluating on its ``val_dataloader``.

    Without a process group SyncBN becomes plain batch norm, and without a GPU mixed
    precision becomes float32; the log says so.

    Args:
        cfg: From :func:`load_config`; left unchanged.
        resume: ``'auto'`` goes on from the last complete checkpoint in the work
            dir, or starts afresh where there is none; a path goes on from that
            file. Defaults to None: start afresh.
        auto_scale_lr: Scale the learning rate by the real batch over the config's
            ``auto_scale_lr.base_batch_size``. Defaults to False.
        seed: Seed of all random generators. Defaults to the config's, else random.

    Returns:
        The runner; its ``model`` is trained.

    Raises:
        InputError: Data or checkpoint are missing or do not fit, or the config
            has nothing that an argument needs.
    """
    cfg = deepcopy(cfg)
    require_data(cfg, 'train_dataloader', 'val_dataloader')
    wants_amp = type_of(cfg.optim_wrapper) == 'AmpOptimWrapper'
    if wants_amp and not torch.cuda.is_available():
        cfg.optim_wrapper = in_float32(cfg.optim_wrapper)
    if auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise InputError(f'{cfg.filename} has no auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
        # mmengine takes the images of one backward pass for those of a step
        repeats = cfg.optim_wrapper.get('accumulative_counts', 1)
        cfg.auto_scale_lr.base_batch_size /= repeats
    if seed is not None:
        cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}

    checkpoint = latest_checkpoint(cfg.work_dir) if resume == 'auto' else resume
    if checkpoint is not None:
        cfg.resume, cfg.load_from = True, str(checkpoint)
        if 'backbone' in cfg.model:  # all of it is in the checkpoint
            cfg.model.backbone.init_cfg = None
    start = None if checkpoint is not None else cfg.get('load_from')
    if start and '://' in start:
        start = None  # mmengine knows how to fetch it
    if start and not Path(start).is_file():
        raise InputError(f'load_from of {cfg.filename} not found: {start}')
    runner = Runner.from_cfg(cfg)
    if start:
        require_fit(runner.model, start)
    if wants_amp and not torch.cuda.is_available():
        runner.logger.warning('no GPU: training in float32, not in mixed precision')
    if checkpoint is not None:
        # mmengine resumes a checkpoint of another model with a mere warning
        load_entirely(runner.model, checkpoint)
        averages = any(isinstance(hook, EMAHook) for hook in runner.hooks)
        if 'ema_state_dict' in read_file(checkpoint) and not averages:
            raise InputError(
                f'{checkpoint} is of a training with a moving average (EMAHook), this '
                'one has none: repeat --ema'
            )
    elif resume == 'auto':
        runner.logger.info(f'no whole checkpoint in {cfg.work_dir}: starting afresh')
    runner.train()
    return runner


def evaluate(
    cfg: Config,
    checkpoint: str | Path,
    *,
    tta: bool = False,
    show_dir: str | Path | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint on the config's ``test_dataloader``.

    Args:
        cfg: From :func:`load_config`; left unchanged.
        checkpoint: A file or an address, or a folder, which means the last
            complete checkpoint in it; it must fit the model key by key.
        tta: Test time augmentation, by the config's ``tta_model`` and
            ``tta_pipeline``. Defaults to False.
        show_dir: Folder for pictures of predictions beside the ground truth.
            Defaults to None: no pictures.

    Returns:
        All metrics of the config's evaluators, by name, e.g. ``coco/bbox_mAP`` in
        0..1 or ``mIoU`` in percent. Empty where mmdet has nothing to evaluate: no
        detection above the config's score threshold.

    Raises:
        InputError: Data or checkpoint are missing or do not fit, or ``tta`` is
            asked of a config that does not define it.
    """
    cfg = deepcopy(cfg)
    require_data(cfg, 'test_dataloader')
    # what training starts from; mmengine would put it over the checkpoint
    cfg.load_from, cfg.resume = None, False
    if Path(checkpoint).is_dir():
        folder, checkpoint = checkpoint, latest_checkpoint(checkpoint)
        if checkpoint is None:
            raise InputError(f'{folder} has no complete epoch_*.pth or iter_*.pth')
    if tta:
        augment(cfg)
    runner = Runner.from_cfg(cfg)
    load_entirely(runner.model, checkpoint)
    if show_dir is not None:
        runner.register_hook(PictureHook(show_dir))
    return runner.test()


def augment(cfg: Config) -> None:
    """Set a config, in place, to test with augmentation.

    Raises:
        InputError: It has no ``tta_model`` or no ``tta_pipeline``.
    """
    missing = [key for key in ('tta_model', 'tta_pipeline') if key not in cfg]
    if missing:
        raise InputError(f'--tta: {cfg.filename} has no {" and no ".join(missing)}')
    cfg.model = {**cfg.tta_model, 'module': cfg.model}
    for dataset in datasets_of(cfg.test_dataloader):
        if not ('dataset' in dataset or 'datasets' in dataset):  # no wrapper
            dataset.pipeline = cfg.tta_pipeline
