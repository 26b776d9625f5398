# UperNet 160k, our addition.
_base_ = './upernet_litv2_s_ade20k.py'
model = dict(
    backbone=dict(
        arch='base', drop_path_rate=0.3, init_cfg=dict(checkpoint=_base_.litv2_b)
    ),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
    auxiliary_head=dict(in_channels=512),
)
