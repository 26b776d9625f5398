_base_ = './default.py'
max_iters = 80_000
interval = 8_000
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=interval)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=1e-6,
        by_epoch=False,
        begin=0,
        end=max_iters,
    ),
]
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=interval),
    visualization=dict(type='SegVisualizationHook'),
)
log_processor = dict(by_epoch=False)
