_base_ = './imagenet_300e_warmup20.py'
# a low learning rate for the offsets of the deformable mergings
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'embed.offset.weight': dict(lr_mult=0.01)})
)
