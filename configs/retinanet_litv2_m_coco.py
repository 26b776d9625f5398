# RetinaNet 1x, in mixed precision as the authors train.
_base_ = './retinanet_litv2_s_coco.py'
model = dict(backbone=dict(arch='medium', init_cfg=dict(checkpoint=_base_.litv2_m)))
