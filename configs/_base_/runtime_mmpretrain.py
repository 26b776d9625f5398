_base_ = './runtime.py'
default_scope = 'mmpretrain'
visualizer = dict(
    type='UniversalVisualizer',
    name='visualizer',
    vis_backends=[dict(type='LocalVisBackend')],
)
