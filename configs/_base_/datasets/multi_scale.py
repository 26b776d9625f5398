# At random, either resize the short side to 480 to 800, or first crop a smaller version
# of the image and then do the same.
to_many_scales = dict(
    type='RandomChoiceResize',
    scales=[(1333, short_side) for short_side in range(480, 801, 32)],
    keep_ratio=True,
)
multi_scale = dict(
    type='RandomChoice',
    transforms=[
        [to_many_scales],
        [
            dict(
                type='RandomChoiceResize',
                scales=[(4200, short_side) for short_side in (400, 500, 600)],
                keep_ratio=True,
            ),
            dict(
                type='RandomCrop',
                crop_type='absolute_range',
                crop_size=(384, 600),
                allow_negative_crop=True,
            ),
            to_many_scales,
        ],
    ],
)
