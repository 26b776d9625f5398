# Data, evaluation and schedule for boxes in a user's COCO files. A config adds the
# sizes of images between `load` and `augment`, classes, files and how long it trains.
_base_ = ['./schedule.py', '../datasets/lite_coco.py', '../runtime_mmdet.py']
load = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
]
# left and right only: whether a scene may stand on its head, only its owner knows
augment = [
    # objects that a crop leaves next to nothing of; images without any are learned, too
    dict(type='FilterAnnotations', min_gt_bbox_wh=(2, 2), keep_empty=False),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackDetInputs'),
]
# annotations are loaded after resizing, so that they keep the original size
load_image = [dict(type='LoadImageFromFile')]
pack = [
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(dataset=dict(filter_cfg=dict(filter_empty_gt=False)))
val_evaluator = dict(type='CocoMetric', metric='bbox', classwise=True)
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best='coco/bbox_mAP'),
    visualization=dict(type='DetVisualizationHook'),
)
