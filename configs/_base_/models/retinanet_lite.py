# RetinaNet with a narrow neck and head on four maps, for a narrow backbone that starts
# from random weights. A config adds the backbone and the anchors.
_base_ = './retinanet.py'
width = 64
# without pre-training, heads learn much faster with a norm; GroupNorm because batches
# are small
norm_cfg = dict(type='GN', num_groups=8, requires_grad=True)
model = dict(
    neck=dict(
        in_channels=[32, 64, 128, 256],
        out_channels=width,
        num_outs=4,
        norm_cfg=norm_cfg,
    ),
    bbox_head=dict(
        in_channels=width,
        feat_channels=width,
        stacked_convs=2,
        norm_cfg=norm_cfg,
        reg_decoded_bbox=True,
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
    ),
)
