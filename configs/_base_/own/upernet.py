_base_ = ['../models/upernet.py', './semantic.py']
norm_cfg = dict(type='BN', requires_grad=True)  # there is only one process
model = dict(
    decode_head=dict(norm_cfg=norm_cfg), auxiliary_head=dict(norm_cfg=norm_cfg)
)
