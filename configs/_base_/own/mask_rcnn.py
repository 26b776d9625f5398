_base_ = ['../models/mask_rcnn.py', './instance.py']
# what is marked as a crowd is neither object nor background
model = dict(
    train_cfg=dict(
        rpn=dict(assigner=dict(ignore_iof_thr=0.5)),
        rcnn=dict(assigner=dict(ignore_iof_thr=0.5)),
    ),
    test_cfg=dict(rcnn=dict(score_thr=0.001)),
)
