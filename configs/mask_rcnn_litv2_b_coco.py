# Mask R-CNN 1x, in mixed precision as the authors train, with activation
# checkpointing.
_base_ = './mask_rcnn_litv2_s_coco.py'
model = dict(
    backbone=dict(
        arch='base',
        drop_path_rate=0.3,
        with_cp=True,
        init_cfg=dict(checkpoint=_base_.litv2_b),
    ),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
