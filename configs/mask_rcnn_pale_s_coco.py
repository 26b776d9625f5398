# Mask R-CNN 1x. The paper's code was never released: the recipe is ours, after its
# peers'. There are no pretrained weights: make them with pale_s_imagenet.py, or this
# trains from scratch.
_base_ = './mask_rcnn_pale_t_coco.py'
model = dict(
    backbone=dict(arch='small', drop_path_rate=0.3),
    neck=dict(in_channels=[96, 192, 384, 768]),
)
