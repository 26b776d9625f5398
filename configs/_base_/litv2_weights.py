# The ImageNet weights that LITv2's authors publish. To train without them:
# --cfg-options model.backbone.init_cfg=None
_releases = 'https://github.com/ziplab/LITv2/releases/download/v1.0'
litv2_s = f'{_releases}/litv2_s.pth'
litv2_m = f'{_releases}/litv2_m.pth'
litv2_b = f'{_releases}/litv2_b.pth'
