# Training from random weights on a few dozen small images, within minutes on two CPU
# cores. It is counted in iterations, so that its length does not depend on the dataset.
_base_ = './default.py'
max_iters = 500
warmup_iters = 100
interval = 250
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=interval)
optim_wrapper = dict(
    optimizer=dict(lr=7e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={'pos_encoding': dict(decay_mult=0.0)}
    ),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=warmup_iters),
    dict(
        type='CosineAnnealingLR',
        eta_min_ratio=0.01,
        by_epoch=False,
        begin=warmup_iters,
        end=max_iters,
        T_max=max_iters - warmup_iters,
    ),
]
default_hooks = dict(
    logger=dict(interval=20, log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=interval),
)
log_processor = dict(by_epoch=False)
