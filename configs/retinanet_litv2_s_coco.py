# RetinaNet 1x, in mixed precision as the authors train.
_base_ = [
    '_base_/models/retinanet.py',
    '_base_/weights.py',
    '_base_/datasets/coco_detection.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(
        type='LITv2',
        arch='small',
        out_indices=(1, 2, 3),
        drop_path_rate=0.2,
        init_cfg=dict(type='Pretrained', checkpoint=_base_.litv2_s),
    ),
    neck=dict(in_channels=[192, 384, 768]),
)
optim_wrapper = dict(type='AmpOptimWrapper', optimizer=dict(lr=1e-4, weight_decay=1e-4))
