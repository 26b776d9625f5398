"""Find top-level keys of a config that mmengine silently ignores."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmengine.config import Config

# Keys of mmdet 2, mmseg 0 and mmcls, and what replaced them.
OLD_KEYS = {
    'optimizer': 'optim_wrapper.optimizer',
    'optimizer_config': 'optim_wrapper.clip_grad',
    'lr_config': 'param_scheduler',
    'momentum_config': 'param_scheduler',
    'runner': 'train_cfg',
    'total_epochs': 'train_cfg.max_epochs',
    'total_iters': 'train_cfg.max_iters',
    'workflow': 'train_cfg',
    'fp16': "optim_wrapper.type='AmpOptimWrapper'",
    'data': 'train_dataloader, val_dataloader, test_dataloader',
    'evaluation': 'val_evaluator, train_cfg.val_interval',
    'checkpoint_config': 'default_hooks.checkpoint',
    'log_config': 'default_hooks.logger',
    'resume_from': 'resume, load_from',
    'seed': 'randomness.seed',
    'deterministic': 'randomness.deterministic',
    'cudnn_benchmark': 'env_cfg.cudnn_benchmark',
    'dist_params': 'env_cfg.dist_cfg',
    'mp_start_method': 'env_cfg.mp_cfg',
    'opencv_num_threads': 'env_cfg.mp_cfg',
}


def ignored_keys(cfg: Config) -> Iterator[str]:
    """Find keys of the 2.x era, except those that only name a value for later use.

    mmseg's schedules do that: ``optimizer = dict(...)``, then
    ``optim_wrapper = dict(optimizer=optimizer)``. The use must come after the key is
    last set, in any file that the config inherits from. Configs dumped by mmengine have
    no names any more; there, equal values count as a use.
    """
    text = re.sub('#.*', '', cfg.text)
    used = (cfg.get('optim_wrapper') or {}).get('optimizer')
    for key, successor in OLD_KEYS.items():
        set_at = [match.end() for match in re.finditer(rf'(?m)^{key} *=', text)]
        # used as a name: not an argument, nor part of a string or a longer name
        name = rf'(?<![\w.\'"/]){key}(?![\w\'"/]| *=[^=])'
        is_name = set_at and re.search(name, text[set_at[-1] :])
        if key not in cfg or is_name or (key == 'optimizer' and cfg[key] == used):
            continue
        message = f'{key} is a key of the 2.x era and ignored; set {successor}'
        if key == 'optimizer' and 'optim_wrapper' in cfg:
            message += f', which is {dict(cfg.optim_wrapper.get("optimizer", {}))}'
        yield message
