# ATSS (Zhang et al., CVPR 2020): RetinaNet with another choice of what it learns from.
# Of the places nearest to an object, it takes those whose anchors overlap the object
# more than most do. So one square anchor at every place is enough, whatever the data.
# A config adds the backbone and the neck's in_channels.
_base_ = './retinanet.py'
# without a norm, a head that starts from random weights learns slowly
norm_cfg = dict(type='GN', num_groups=32, requires_grad=True)
model = dict(
    type='ATSS',
    neck=dict(norm_cfg=norm_cfg),
    bbox_head=dict(
        _delete_=True,
        type='ATSSHead',
        num_classes=80,
        in_channels=256,
        norm_cfg=norm_cfg,
        anchor_generator=dict(
            type='AnchorGenerator',
            ratios=[1.0],
            octave_base_scale=8,
            scales_per_octave=1,
            strides=[8, 16, 32, 64, 128],
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
        # mmdet's default is plain cross entropy
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
    ),
    # what is marked as a crowd is neither object nor background
    train_cfg=dict(
        assigner=dict(_delete_=True, type='ATSSAssigner', topk=9, ignore_iof_thr=0.5)
    ),
)
