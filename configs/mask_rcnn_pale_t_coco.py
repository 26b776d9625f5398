# Mask R-CNN 1x. The paper's code was never released: the recipe is ours,
# modelled on those of similar backbones.
_base_ = [
    '_base_/models/mask_rcnn.py',
    '_base_/datasets/coco_instance.py',
    '_base_/schedules/coco_1x.py',
    '_base_/runtime_mmdet.py',
]
model = dict(
    backbone=dict(type='PaleTransformer', arch='tiny', drop_path_rate=0.1),
    neck=dict(in_channels=[64, 128, 256, 512]),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=0.05))
