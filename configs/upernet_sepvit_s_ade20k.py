# UperNet 160k.
_base_ = './upernet_sepvit_t_ade20k.py'
model = dict(backbone=dict(arch='small', drop_path_rate=0.3))
