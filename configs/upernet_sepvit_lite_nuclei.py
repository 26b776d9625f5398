# UperNet with narrow heads, trained from scratch on two CPU cores.
_base_ = [
    '_base_/models/upernet_lite.py',
    '_base_/datasets/nuclei_semantic.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmseg.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(type='SepViT', arch='lite', init_cfg=dict(type='IdentityBlocks')),
    decode_head=dict(num_classes=2),
    auxiliary_head=dict(num_classes=2),
)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
default_hooks = dict(visualization=dict(type='SegVisualizationHook'))
