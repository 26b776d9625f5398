# RetinaNet 1x.
_base_ = [
    '_base_/models/retinanet.py',
    '_base_/datasets/coco_detection.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(
        type='SepViT', arch='tiny', out_indices=(1, 2, 3), drop_path_rate=0.2
    ),
    neck=dict(in_channels=[192, 384, 768]),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=1e-3))
