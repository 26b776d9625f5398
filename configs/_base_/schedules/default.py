# Settings that all schedules share; a config adds the optimizer's lr and weight_decay.
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW'))
auto_scale_lr = dict(base_batch_size=16, enable=False)
# mmengine removes an old checkpoint before the new one is complete, so keep at least
# two: then a complete one exists at any moment
default_hooks = dict(
    param_scheduler=dict(type='ParamSchedulerHook'),
    logger=dict(type='LoggerHook', interval=50),
    checkpoint=dict(type='CheckpointHook', max_keep_ckpts=2),
)
