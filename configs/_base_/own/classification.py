# Data, evaluation and schedule for a user's images of one class each. A config adds the
# sizes of images between `load` and `augment`, classes, files and how long it trains.
_base_ = ['./schedule.py', '../runtime_mmpretrain.py']
load = [dict(type='LoadImageFromFile')]
# left and right only: whether a scene may stand on its head, only its owner knows
augment = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3),
    dict(type='PackInputs'),
]
load_image = load
pack = [dict(type='PackInputs')]
train_dataloader = dict(
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CustomDataset', ann_file='annotations/train.txt'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CustomDataset', ann_file='annotations/val.txt', test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='Accuracy', topk=(1,)),
    # of each class
    dict(type='SingleLabelMetric', average=None),
]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='accuracy/top1'),
    visualization=dict(type='VisualizationHook'),
)
