_base_ = './imagenet_300e_warmup20.py'
# the offsets of the deformable mergings learn slowly
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'embed.offset.weight': dict(lr_mult=0.01)})
)
