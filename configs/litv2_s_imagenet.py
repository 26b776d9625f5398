# ImageNet-1K, the authors' recipe.
_base_ = [
    '_base_/models/classifier.py',
    '_base_/datasets/imagenet.py',
    '_base_/schedules/imagenet_litv2.py',
    '_base_/runtime_mmpretrain.py',
]
model = dict(
    backbone=dict(
        type='LITv2', arch='small', mode='classification', drop_path_rate=0.2
    ),
    head=dict(in_channels=768),
)
