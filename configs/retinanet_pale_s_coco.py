# RetinaNet 1x, our addition.
_base_ = './retinanet_pale_t_coco.py'
model = dict(
    backbone=dict(arch='small', drop_path_rate=0.3),
    neck=dict(in_channels=[192, 384, 768]),
)
