_base_ = './default.py'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', by_epoch=True, milestones=[8, 11], gamma=0.1),
]
default_hooks = dict(
    checkpoint=dict(interval=1), visualization=dict(type='DetVisualizationHook')
)
