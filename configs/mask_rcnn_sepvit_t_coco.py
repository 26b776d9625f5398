# Mask R-CNN 1x.
_base_ = [
    '_base_/models/mask_rcnn.py',
    '_base_/datasets/coco_instance.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(type='SepViT', arch='tiny', drop_path_rate=0.2),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
optim_wrapper = dict(optimizer=dict(lr=2e-4, weight_decay=1e-3))
