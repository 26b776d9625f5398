# ImageNet-1K, our recipe.
_base_ = './pale_t_imagenet.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    head=dict(in_channels=1024),
)
