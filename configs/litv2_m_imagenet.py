# ImageNet-1K, the authors' recipe.
_base_ = './litv2_s_imagenet.py'
model = dict(backbone=dict(arch='medium', drop_path_rate=0.3))
