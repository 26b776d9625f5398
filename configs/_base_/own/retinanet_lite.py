_base_ = ['../models/retinanet_lite.py', './detection.py']
model = dict(
    bbox_head=dict(
        anchor_generator=dict(
            type='AnchorGenerator', scales_per_octave=3, strides=[4, 8, 16, 32]
        ),
    ),
    # what is marked as a crowd is neither object nor background
    train_cfg=dict(assigner=dict(ignore_iof_thr=0.5)),
    test_cfg=dict(score_thr=0.001),
)
