_base_ = './lite_coco.py'
data_root = 'data/nuclei'
metainfo = dict(classes=('nucleus',), palette=[(0, 200, 120)])
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomResize', scale=(288, 288), ratio_range=(1.0, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(224, 224), recompute_bbox=True),
    # after a crop, a box may have no pixel of its mask left
    dict(type='FilterAnnotations', min_gt_bbox_wh=(2, 2)),
    # a micrograph has no upright orientation, so any reflection will do
    dict(
        type='RandomFlip', prob=0.75, direction=['horizontal', 'vertical', 'diagonal']
    ),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale_factor=1.5, keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
dataset = dict(data_root=data_root, metainfo=metainfo)
train_dataloader = dict(batch_size=2, dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(
    type='CocoMetric',
    ann_file=f'{data_root}/annotations/val.json',
    metric=['bbox', 'segm'],
)
test_evaluator = val_evaluator
