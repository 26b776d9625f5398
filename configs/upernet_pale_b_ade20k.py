# UperNet 160k. The paper's code was never released: the recipe is ours, after its
# peers'. There are no pretrained weights: make them with pale_b_imagenet.py, or this
# trains from scratch.
_base_ = './upernet_pale_t_ade20k.py'
model = dict(
    backbone=dict(arch='base', drop_path_rate=0.5),
    decode_head=dict(in_channels=[128, 256, 512, 1024]),
    auxiliary_head=dict(in_channels=512),
)
