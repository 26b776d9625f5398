# How a model learns a user's data: optimizer, weight decay, clipping and the shape of
# the schedule are those of the small datasets. A config adds the learning rate, the
# number of iterations, and the metric to keep the best checkpoint of.
_base_ = ['../schedules/lite_from_scratch.py', '../models/lite_archs.py']
# the last and the best; two of the last, because mmengine removes an old one before the
# new one is complete
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2, rule='greater'))
