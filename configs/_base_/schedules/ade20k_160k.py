_base_ = './default.py'
max_iters = 160_000
warmup_iters = 1500
interval = 16_000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=interval)
optim_wrapper = dict(
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={'pos_encoding': dict(decay_mult=0.0)}
    )
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=warmup_iters),
    dict(
        type='PolyLR',
        power=1.0,
        eta_min=0.0,
        by_epoch=False,
        begin=warmup_iters,
        end=max_iters,
    ),
]
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=interval),
    visualization=dict(type='SegVisualizationHook'),
)
log_processor = dict(by_epoch=False)
