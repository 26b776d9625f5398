# Semantic FPN 80k.
_base_ = [
    '_base_/models/semantic_fpn.py',
    '_base_/weights.py',
    '_base_/datasets/ade20k.py',
    '_base_/schedules/ade20k_80k.py',
    '_base_/runtime_mmseg.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(
        type='LITv2',
        arch='small',
        mode='segmentation',
        drop_path_rate=0.2,
        init_cfg=dict(type='Pretrained', checkpoint=_base_.litv2_s),
    ),
    neck=dict(in_channels=[96, 192, 384, 768]),
    decode_head=dict(num_classes=150),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=1e-4))
