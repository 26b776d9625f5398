# The ImageNet weights that LITv2's authors publish. To train without them:
# --cfg-options model.backbone.init_cfg=None
litv2_s = 'https://github.com/ziplab/LITv2/releases/download/v1.0/litv2_s.pth'
