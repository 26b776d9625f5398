_base_ = './runtime.py'
default_scope = 'mmseg'
visualizer = dict(
    type='SegLocalVisualizer',
    name='visualizer',
    vis_backends=[dict(type='LocalVisBackend')],
)
