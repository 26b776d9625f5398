_base_ = ['./coco_instance.py', './multi_scale.py']
train_pipeline = _base_.train_pipeline
train_pipeline[2] = _base_.multi_scale
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
