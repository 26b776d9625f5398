# Pale Transformer, reduced by us to SepViT-Lite's channels and blocks.
_base_ = ['./atss_sepvit_lite_trees.py', '_base_/models/lite_archs.py']
model = dict(
    backbone=dict(
        _delete_=True,
        type='PaleTransformer',
        arch=_base_.pale_lite,
        out_indices=(1, 2, 3),
        init_cfg=dict(type='IdentityBlocks'),
    )
)
