# ATSS with a narrow neck and head, trained from scratch on two CPU cores.
_base_ = [
    '_base_/models/atss_lite.py',
    '_base_/datasets/trees.py',
    '_base_/schedules/lite_from_scratch.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(
        type='SepViT',
        arch='lite',
        out_indices=(1, 2, 3),
        init_cfg=dict(type='IdentityBlocks'),
    ),
    # crowns are 8 to 106 pixels wide, half of them below 40; the rest of one that a
    # tile's border cuts is ignored by the assigner
    bbox_head=dict(num_classes=1),
    # seen from above, crowns rarely overlap
    test_cfg=dict(score_thr=0.001, nms=dict(iou_threshold=0.4)),
)
# steps take less time than those of the other small models
max_iters = 1200
interval = 400
train_cfg = dict(max_iters=max_iters, val_interval=interval)
_base_.param_scheduler[1].update(end=max_iters, T_max=max_iters - _base_.warmup_iters)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
# small images, many boxes
visualizer = dict(line_width=2)
default_hooks = dict(
    checkpoint=dict(interval=interval), visualization=dict(type='DetVisualizationHook')
)
