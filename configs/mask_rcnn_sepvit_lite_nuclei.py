# Mask R-CNN with a narrow neck and heads, trained from scratch on two CPU cores.
_base_ = [
    '_base_/models/mask_rcnn.py',
    '_base_/datasets/nuclei_instance.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmdet.py',
]
width = 64
# without pre-training, heads learn much faster with a norm; GroupNorm because batches
# are small
norm_cfg = dict(type='GN', num_groups=8, requires_grad=True)
model = dict(
    backbone=dict(type='SepViT', arch='lite'),
    neck=dict(
        in_channels=[32, 64, 128, 256],
        out_channels=width,
        num_outs=4,
        norm_cfg=norm_cfg,
    ),
    rpn_head=dict(
        in_channels=width,
        feat_channels=width,
        # nuclei are 15 to 30 pixels wide, and 1.5 times that in tests
        anchor_generator=dict(scales=[6], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=width),
        bbox_head=dict(in_channels=width, fc_out_channels=256, num_classes=1),
        mask_roi_extractor=dict(out_channels=width),
        mask_head=dict(
            in_channels=width,
            conv_out_channels=width,
            num_convs=2,
            num_classes=1,
            norm_cfg=norm_cfg,
        ),
    ),
    train_cfg=dict(
        rpn=dict(assigner=dict(ignore_iof_thr=0.5)),
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=dict(assigner=dict(ignore_iof_thr=0.5), sampler=dict(num=128)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=300), rcnn=dict(score_thr=0.001)),
)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
default_hooks = dict(visualization=dict(type='DetVisualizationHook'))
