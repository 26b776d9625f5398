# LITv2, reduced by us to SepViT-Lite's channels and blocks.
_base_ = './retinanet_sepvit_lite_trees.py'
model = dict(
    backbone=dict(
        _delete_=True,
        type='LITv2',
        arch=dict(
            embed_dims=[32, 64, 128, 256],
            depths=[1, 2, 6, 2],
            num_heads=[1, 2, 4, 8],
            window_sizes=[0, 0, 2, 1],
        ),
    )
)
