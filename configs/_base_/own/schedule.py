# How a model learns a user's data: the recipe of `sepvit-mm new`. A config adds the
# learning rate, the number of iterations, and the metric to keep the best checkpoint of.
_base_ = ['../schedules/lite_from_scratch.py', '../models/lite_archs.py']
warmup_iters = 100
optim_wrapper = dict(
    optimizer=dict(lr=7e-4, weight_decay=0.05), clip_grad=dict(max_norm=5.0)
)
# the last and the best; two of the last, because mmengine removes an old one before the
# new one is complete
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2, rule='greater'))
