# Semantic FPN 80k. There are no pretrained SepViT weights: make them with
# sepvit_s_imagenet.py, or this trains from scratch.
_base_ = './fpn_sepvit_t_ade20k.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
