# ImageNet-1K. The paper's code was never released: the recipe is ours,
# modelled on those of similar backbones.
_base_ = [
    '_base_/models/classifier.py',
    '_base_/datasets/imagenet.py',
    '_base_/schedules/imagenet_300e_warmup20.py',
    '_base_/runtime_mmpretrain.py',
]
model = dict(
    backbone=dict(
        type='PaleTransformer', arch='tiny', mode='classification', drop_path_rate=0.1
    ),
    head=dict(in_channels=512),
)
