custom_imports = dict(imports=['sepvit_mm'])
# OpenCV's threads would compete with the data loading processes
env_cfg = dict(
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
log_level = 'INFO'
