# ImageNet-1K. The paper's code was never released: the recipe is ours, after its
# peers'.
_base_ = [
    '_base_/models/classifier.py',
    '_base_/datasets/imagenet.py',
    '_base_/schedules/imagenet_300e_warmup20.py',
    '_base_/runtime_mmpretrain.py',
]
model = dict(
    backbone=dict(
        type='PaleTransformer', arch='base', mode='classification', drop_path_rate=0.5
    ),
    head=dict(in_channels=1024),
)
