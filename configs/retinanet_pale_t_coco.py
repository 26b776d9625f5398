# RetinaNet 1x, our addition.
_base_ = [
    '_base_/models/retinanet.py',
    '_base_/datasets/coco_detection.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(
        type='PaleTransformer', arch='tiny', out_indices=(1, 2, 3), drop_path_rate=0.1
    ),
    neck=dict(in_channels=[128, 256, 512]),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=0.05))
