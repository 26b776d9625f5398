# Semantic FPN 80k.
_base_ = './fpn_sepvit_t_ade20k.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
