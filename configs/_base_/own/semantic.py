# Data, evaluation and schedule for a user's label maps. A config adds the sizes of
# images between `load` and `augment`, classes, files and how long it trains.
_base_ = ['./schedule.py', '../runtime_mmseg.py']
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
# left and right only: whether a scene may stand on its head, only its owner knows
augment = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
# annotations are loaded after resizing, so that they keep the original size
load_image = [dict(type='LoadImageFromFile')]
pack = [dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    # names of images end in their suffix, since it may differ from image to image
    dataset=dict(
        type='BaseSegDataset',
        ann_file='annotations/train.txt',
        img_suffix='',
        seg_map_suffix='.png',
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='BaseSegDataset',
        ann_file='annotations/val.txt',
        img_suffix='',
        seg_map_suffix='.png',
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
# the log has a table with the IoU of each class
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='mIoU'),
    visualization=dict(type='SegVisualizationHook'),
)
