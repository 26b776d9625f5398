_base_ = './runtime.py'
default_scope = 'mmpretrain'
visualizer = dict(
    type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')]
)
