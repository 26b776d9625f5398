# ImageNet-1K, the authors' recipe. They do not give a drop-path rate, so it is 0.
_base_ = './sepvit_t_imagenet.py'
model = dict(
    backbone=dict(arch='lite', drop_path_rate=0.0),
    head=dict(in_channels=256),
)
