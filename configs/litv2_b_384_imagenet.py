# ImageNet-1K at 384 x 384: the authors' fine-tuning of the model that
# litv2_b_imagenet.py trains, with its classifier. You can also start from the authors'
# litv2_b.pth after `sepvit-mm convert`: --cfg-options load_from=FILE
_base_ = './litv2_b_imagenet.py'
load_from = 'work_dirs/litv2_b_imagenet/epoch_300.pth'
size = 384
resample = _base_.resample
train_pipeline = _base_.train_pipeline
train_pipeline[1] = dict(type='RandomResizedCrop', scale=size, **resample)
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(size, size), **resample),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
max_epochs = 30
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=4e-5, weight_decay=1e-8))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        by_epoch=True,
        end=5,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR', eta_min=4e-7, by_epoch=True, begin=5, end=max_epochs
    ),
]
