# UperNet with narrow heads, for a narrow backbone that starts from random weights.
# A config adds the backbone and num_classes.
_base_ = './upernet.py'
norm_cfg = dict(type='BN', requires_grad=True)  # there is only one process
model = dict(
    decode_head=dict(in_channels=[32, 64, 128, 256], channels=64, norm_cfg=norm_cfg),
    auxiliary_head=dict(in_channels=128, channels=64, norm_cfg=norm_cfg),
)
