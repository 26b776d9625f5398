# RetinaNet with a narrow neck and head, trained from scratch on two CPU cores.
_base_ = [
    '_base_/models/retinanet_lite.py',
    '_base_/datasets/trees.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(type='SepViT', arch='lite'),
    bbox_head=dict(
        num_classes=1,
        # crowns are about square, 8 to 106 pixels wide, half of them below 40
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=3,
            scales_per_octave=3,
            ratios=[1.0],
            strides=[4, 8, 16, 32],
        ),
    ),
    # the rest of a crown cut by a tile's border is neither tree nor background
    train_cfg=dict(assigner=dict(ignore_iof_thr=0.5)),
    # seen from above, crowns rarely overlap
    test_cfg=dict(score_thr=0.001, nms=dict(iou_threshold=0.4)),
)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
# small images, many boxes
visualizer = dict(line_width=2)
default_hooks = dict(visualization=dict(type='DetVisualizationHook'))
