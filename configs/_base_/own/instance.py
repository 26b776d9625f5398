# Data, evaluation and schedule for masks in a user's COCO files.
_base_ = './detection.py'
_base_.load[1].with_mask = True
_base_.pack[0].with_mask = True
# images without objects teach Mask R-CNN nothing about masks
_base_.augment[0].keep_empty = True
train_dataloader = dict(dataset=dict(filter_cfg=dict(filter_empty_gt=True)))
val_evaluator = dict(metric=['bbox', 'segm'])
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='coco/segm_mAP'))
