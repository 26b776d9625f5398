# UperNet 160k, our addition.
_base_ = './upernet_litv2_s_ade20k.py'
model = dict(backbone=dict(arch='medium', init_cfg=dict(checkpoint=_base_.litv2_m)))
