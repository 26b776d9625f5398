# RetinaNet 3x, multi-scale.
_base_ = './retinanet_sepvit_t_3x_coco.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
optim_wrapper = dict(optimizer=dict(weight_decay=0.1))
