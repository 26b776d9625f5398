# Mask R-CNN 1x, in mixed precision as the authors train.
_base_ = [
    '_base_/models/mask_rcnn.py',
    '_base_/weights.py',
    '_base_/datasets/coco_instance.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(
        type='LITv2',
        arch='small',
        drop_path_rate=0.2,
        init_cfg=dict(type='Pretrained', checkpoint=_base_.litv2_s),
    ),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
optim_wrapper = dict(
    type='AmpOptimWrapper',
    optimizer=dict(lr=2e-4, weight_decay=1e-4),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
