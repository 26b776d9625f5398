# Mask R-CNN 1x, our recipe.
_base_ = './mask_rcnn_pale_t_coco.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
