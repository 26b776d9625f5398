# ImageNet-1K, the authors' recipe.
_base_ = './sepvit_t_imagenet.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    head=dict(in_channels=1024),
)
