# Mask R-CNN with a narrow neck and heads, trained from scratch on two CPU cores.
_base_ = [
    '_base_/models/mask_rcnn_lite.py',
    '_base_/datasets/nuclei_instance.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(type='SepViT', arch='lite', init_cfg=dict(type='IdentityBlocks')),
    # nuclei are 15 to 30 pixels wide, and 1.5 times that in tests
    rpn_head=dict(anchor_generator=dict(scales=[6])),
    roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1)),
    train_cfg=dict(
        rpn=dict(assigner=dict(ignore_iof_thr=0.5)),
        rcnn=dict(assigner=dict(ignore_iof_thr=0.5)),
    ),
    test_cfg=dict(rcnn=dict(score_thr=0.001)),
)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
default_hooks = dict(visualization=dict(type='DetVisualizationHook'))
