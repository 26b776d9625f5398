# AdamW at 1e-3 for 1024 images a step, 300 epochs with cosine decay; a config adds the
# warm-up.
_base_ = './default.py'
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=0.05, eps=1e-8),
    # no weight decay for vectors: norms, biases and window tokens
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={'window_token': dict(decay_mult=0.0)},
    ),
    clip_grad=dict(max_norm=5.0),
)
auto_scale_lr = dict(base_batch_size=1024, enable=False)
default_hooks = dict(
    logger=dict(interval=100),
    checkpoint=dict(interval=1),
    visualization=dict(type='VisualizationHook'),
)
