# A few epochs of classification, to pre-train the backbone of the tree detector. To use
# it in atss_sepvit_lite_trees.py afterwards:
# --cfg-options model.backbone.init_cfg.type=Pretrained
# model.backbone.init_cfg.checkpoint=work_dirs/sepvit_lite_crowns/epoch_15.pth
_base_ = [
    '_base_/models/classifier.py',
    '_base_/datasets/crowns.py',
    '_base_/schedules/default.py',
    '_base_/runtime_mmpretrain.py',
]
max_epochs = 15
model = dict(
    # the detector's mode, so that all of the backbone can be handed over
    backbone=dict(
        type='SepViT',
        arch='lite',
        out_indices=(3,),
        init_cfg=dict(type='IdentityBlocks'),
    ),
    data_preprocessor=dict(num_classes=2),
    head=dict(in_channels=256, num_classes=2),
    train_cfg=None,  # no mixup or cutmix: there are too few images
)
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.05), clip_grad=dict(max_norm=5.0)
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.01,
        by_epoch=True,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=True,
        begin=1,
        end=max_epochs,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(
    logger=dict(interval=10),
    checkpoint=dict(interval=5),
    visualization=dict(type='VisualizationHook'),
)
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
