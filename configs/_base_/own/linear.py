_base_ = ['../models/classifier.py', './classification.py']
# no mixup or cutmix: they need many images and long schedules
model = dict(train_cfg=None)
