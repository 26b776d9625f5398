_base_ = './coco_1x.py'
train_cfg = dict(max_epochs=36)
optim_wrapper = dict(
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys={'pos_encoding': dict(decay_mult=0.0)}
    )
)
_base_.param_scheduler[1].milestones = [27, 33]
