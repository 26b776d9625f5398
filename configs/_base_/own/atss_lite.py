_base_ = ['../models/atss_lite.py', './detection.py']
model = dict(test_cfg=dict(score_thr=0.001))
