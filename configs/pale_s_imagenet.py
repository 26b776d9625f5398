# ImageNet-1K, our recipe.
_base_ = './pale_t_imagenet.py'
model = dict(
    backbone=dict(arch='small', drop_path_rate=0.3),
    head=dict(in_channels=768),
)
