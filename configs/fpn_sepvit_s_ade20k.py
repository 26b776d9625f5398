# Semantic FPN 80k.
_base_ = './fpn_sepvit_t_ade20k.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
