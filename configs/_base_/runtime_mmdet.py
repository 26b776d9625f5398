_base_ = './runtime.py'
default_scope = 'mmdet'
visualizer = dict(
    type='DetLocalVisualizer',
    name='visualizer',
    vis_backends=[dict(type='LocalVisBackend')],
)
