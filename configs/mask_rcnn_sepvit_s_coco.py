# Mask R-CNN 1x.
_base_ = './mask_rcnn_sepvit_t_coco.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
