# Mask R-CNN 1x, our recipe.
_base_ = './mask_rcnn_pale_t_coco.py'
model = dict(
    backbone=dict(arch='small', drop_path_rate=0.3),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
