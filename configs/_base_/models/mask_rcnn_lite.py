# Mask R-CNN with a narrow neck and heads, for a narrow backbone that starts from random
# weights. A config adds the backbone and the anchors' scales.
_base_ = './mask_rcnn.py'
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
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        anchor_generator=dict(strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=width),
        bbox_head=dict(in_channels=width, fc_out_channels=256),
        mask_roi_extractor=dict(out_channels=width),
        mask_head=dict(
            in_channels=width, conv_out_channels=width, num_convs=2, norm_cfg=norm_cfg
        ),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=dict(sampler=dict(num=128)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=300)),
)
