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
        type='PaleTransformer', arch='small', mode='classification', drop_path_rate=0.3
    ),
    head=dict(in_channels=768),
)
