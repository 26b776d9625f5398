# Mask R-CNN 1x. The paper's code was never released: the recipe is ours, after its
# peers'. There are no pretrained weights: make them with pale_b_imagenet.py, or this
# trains from scratch.
_base_ = './mask_rcnn_pale_t_coco.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    neck=dict(in_channels=[128, 256, 512, 1024]),
)
