# ATSS with a narrow neck and head on four maps, for a narrow backbone that starts from
# random weights.
_base_ = './atss.py'
width = 64
norm_cfg = dict(type='GN', num_groups=8, requires_grad=True)
model = dict(
    neck=dict(
        in_channels=[64, 128, 256], out_channels=width, num_outs=4, norm_cfg=norm_cfg
    ),
    bbox_head=dict(
        in_channels=width,
        feat_channels=width,
        stacked_convs=2,
        norm_cfg=norm_cfg,
        anchor_generator=dict(octave_base_scale=4, strides=[8, 16, 32, 64]),
    ),
)
