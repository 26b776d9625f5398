# Mask R-CNN 3x, multi-scale, in mixed precision as the authors train.
_base_ = [
    '_base_/models/mask_rcnn.py',
    '_base_/datasets/coco_instance_ms.py',
    '_base_/schedules/coco_3x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(type='SepViT', arch='tiny', drop_path_rate=0.2),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(lr=1e-4, weight_decay=0.05))
