_base_ = ['../models/atss.py', './detection.py']
model = dict(test_cfg=dict(score_thr=0.001))
