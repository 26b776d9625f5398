# Semantic FPN 80k.
_base_ = './fpn_litv2_s_ade20k.py'
model = dict(
    backbone=dict(
        arch='base', drop_path_rate=0.3, init_cfg=dict(checkpoint=_base_.litv2_b)
    ),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
