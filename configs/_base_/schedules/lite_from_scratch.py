# From random weights on a few dozen small images, within minutes on two CPU cores.
# Counted in iterations, so that the time is known whatever the data set's size.
max_iters = 1200
warmup_iters = 100
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=300)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
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
auto_scale_lr = dict(base_batch_size=8, enable=False)
custom_hooks = [dict(type='EMAHook', momentum=0.005)]
# mmengine removes an old checkpoint before the new one is complete, so at least two
# are kept: one is whole at any moment
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=20, log_metric_by_epoch=False),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=300, max_keep_ckpts=2
    ),
)
log_processor = dict(by_epoch=False)
