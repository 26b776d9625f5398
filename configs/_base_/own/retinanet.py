_base_ = ['../models/retinanet.py', './detection.py']
# without a norm, a head that starts from random weights learns slowly
norm_cfg = dict(type='GN', num_groups=32, requires_grad=True)
model = dict(
    neck=dict(norm_cfg=norm_cfg),
    bbox_head=dict(
        norm_cfg=norm_cfg,
        reg_decoded_bbox=True,
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
        anchor_generator=dict(
            type='AnchorGenerator', scales_per_octave=3, strides=[8, 16, 32, 64, 128]
        ),
    ),
    # what is marked as a crowd is neither object nor background
    train_cfg=dict(assigner=dict(ignore_iof_thr=0.5)),
    test_cfg=dict(score_thr=0.001),
)
