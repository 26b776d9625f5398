# A config adds the optimizer's lr and weight_decay.
max_iters = 160_000
warmup_iters = 1500
train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=16_000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW'),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={'pos_encoding': dict(decay_mult=0.0)}
    ),
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
auto_scale_lr = dict(base_batch_size=16, enable=False)
# mmengine removes an old checkpoint before the new one is complete, so at least two
# are kept: one is whole at any moment
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=16_000, max_keep_ckpts=2
    ),
)
log_processor = dict(by_epoch=False)
