# Mask R-CNN 3x, multi-scale, in mixed precision as the authors train.
_base_ = './mask_rcnn_sepvit_t_3x_coco.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
optim_wrapper = dict(optimizer=dict(weight_decay=0.1))
