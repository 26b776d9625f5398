# Semantic FPN 80k. There are no pretrained SepViT weights: make them with
# sepvit_b_imagenet.py, or this trains from scratch.
_base_ = './fpn_sepvit_t_ade20k.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
