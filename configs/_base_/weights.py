# The weights that backbones start from.
#
# LITv2's authors publish ImageNet weights, and its detectors and segmentors start from
# them. To train without them: --cfg-options model.backbone.init_cfg=None
#
# The authors of SepViT and Pale Transformer published none, so detectors and segmentors
# with these backbones start from random weights, whereas those of the papers were
# pre-trained. To pre-train, first train the classifier of the same size
# (sepvit_t_imagenet.py for retinanet_sepvit_t_coco.py), then start from its checkpoint:
# --cfg-options model.backbone.init_cfg.type=Pretrained
# model.backbone.init_cfg.checkpoint=work_dirs/sepvit_t_imagenet/epoch_300.pth
_releases = 'https://github.com/ziplab/LITv2/releases/download/v1.0'
litv2_s = f'{_releases}/litv2_s.pth'
litv2_m = f'{_releases}/litv2_m.pth'
litv2_b = f'{_releases}/litv2_b.pth'
