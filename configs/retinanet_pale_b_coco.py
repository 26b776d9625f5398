# RetinaNet 1x, our addition.
_base_ = './retinanet_pale_t_coco.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    neck=dict(in_channels=[256, 512, 1024]),
)
