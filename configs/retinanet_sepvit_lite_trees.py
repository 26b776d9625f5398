# RetinaNet with narrow neck and head, from scratch, for two CPU cores.
_base_ = [
    '_base_/models/retinanet.py',
    '_base_/datasets/trees.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmdet.py',
]
width = 64
model = dict(
    backbone=dict(
        type='SepViT', arch='lite', out_indices=(1, 2, 3), drop_path_rate=0.1
    ),
    neck=dict(in_channels=[64, 128, 256], out_channels=width, num_outs=3),
    bbox_head=dict(
        num_classes=1,
        in_channels=width,
        feat_channels=width,
        stacked_convs=2,
        # crowns are about square, 8 to 106 pixels wide, half of them below 40
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=2,
            scales_per_octave=3,
            ratios=[1.0],
            strides=[8, 16, 32],
        ),
        reg_decoded_bbox=True,
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
    ),
    # what a tile's border left of a neighbour's crown is neither tree nor background
    train_cfg=dict(assigner=dict(ignore_iof_thr=0.5)),
)
