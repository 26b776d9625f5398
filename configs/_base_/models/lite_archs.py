# LITv2 and Pale Transformer, reduced by us to SepViT-Lite's channels and blocks.
litv2_lite = dict(
    embed_dims=[32, 64, 128, 256],
    depths=[1, 2, 6, 2],
    num_heads=[1, 2, 4, 8],
    window_sizes=[0, 0, 2, 1],
)
pale_lite = dict(
    embed_dims=[32, 64, 128, 256],
    depths=[1, 2, 6, 2],
    num_heads=[2, 2, 4, 8],
)
