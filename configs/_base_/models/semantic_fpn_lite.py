# Semantic FPN with a narrow neck and head, for a narrow backbone that starts from
# random weights. A config adds the backbone and num_classes.
_base_ = './semantic_fpn.py'
width = 64
norm_cfg = dict(type='BN', requires_grad=True)  # there is only one process
model = dict(
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=width),
    decode_head=dict(in_channels=[width] * 4, channels=width, norm_cfg=norm_cfg),
)
