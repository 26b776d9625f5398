# UperNet 160k. Our addition: the authors have no UperNet, so this is SepViT's recipe.
_base_ = [
    '_base_/models/upernet.py',
    '_base_/weights.py',
    '_base_/datasets/ade20k.py',
    '_base_/schedules/ade20k_160k.py',
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
    decode_head=dict(in_channels=[96, 192, 384, 768], num_classes=150),
    auxiliary_head=dict(in_channels=384, num_classes=150),
)
optim_wrapper = dict(optimizer=dict(lr=6e-5, weight_decay=0.01))
