_base_ = ['../models/semantic_fpn.py', './semantic.py']
# there is only one process
model = dict(decode_head=dict(norm_cfg=dict(type='BN', requires_grad=True)))
