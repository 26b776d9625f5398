# ImageNet-1K, the authors' recipe; they do not tell its drop path, so there is none.
_base_ = [
    '_base_/models/classifier.py',
    '_base_/datasets/imagenet.py',
    '_base_/schedules/imagenet_300e_warmup5.py',
    '_base_/runtime_mmpretrain.py',
]
model = dict(
    backbone=dict(type='SepViT', arch='lite', mode='classification'),
    head=dict(in_channels=256),
)
