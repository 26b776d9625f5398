"""Models as functions of tensors, to be exported.

Every graph takes images that are resized, padded and normalised. Detectors also take
the size of each image without its padding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from .boxes import (
    at,
    clip,
    decode,
    first_of_each,
    grid_anchors,
    highest,
    suppress,
    where,
)


class Graph(nn.Module):
    """A model to be exported.

    Attributes:
        inputs: names of its inputs.
        outputs: names of its outputs.

    Args:
        model: a model of mmpretrain, mmseg or mmdet.
    """

    inputs: tuple[str, ...] = ('images',)
    outputs: tuple[str, ...]

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model.eval()


class Classifier(Graph):
    """Scores of the classes."""

    outputs = ('scores',)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Classify (B, 3, H, W): (B, classes), with a sum of 1 for each image."""
        maps = self.model.extract_feat(images)
        return (self.model.head(maps).softmax(dim=1),)


class Segmentor(Graph):
    """Logits of the classes at each pixel."""

    outputs = ('logits',)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Segment (B, 3, H, W): (B, classes, H, W)."""
        logits = self.model.decode_head(self.model.extract_feat(images))
        align = self.model.align_corners
        size = images.shape[2:]
        return (F.interpolate(logits, size, mode='bilinear', align_corners=align),)


class Maps(Graph):
    """The maps of a backbone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.outputs = tuple(f'map{i}' for i in range(len(self.model.out_indices)))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps of (B, 3, H, W), each (B, C, H', W')."""
        return tuple(self.model(images))


class Detector(Graph):
    """Boxes of RetinaNet, ATSS, and other detectors with anchors at each place."""

    inputs = ('images', 'sizes')
    outputs = ('boxes', 'scores', 'labels', 'image')

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, ...]:
        """Detect objects.

        Args:
            images: (B, 3, H, W).
            sizes: height and width of each image without padding, (B, 2).

        Returns:
            Boxes (N, 4) in pixels of ``images``; scores, labels and the image of each
            (N,); the best of each image first.
        """
        head, settings = self.model.bbox_head, self.model.test_cfg
        maps = head(self.model.extract_feat(images))
        boxes, scores, labels = [], [], []
        for level, (logits, deltas, *centres) in enumerate(zip(*maps)):
            found = _of_level(head, level, logits, deltas, settings['nms_pre'])
            chosen, box, score, label = found
            passes = score > settings['score_thr']
            if centres:  # ATSS: whether the place is in the middle of its object
                score = score * _flat(centres[0], 1)[..., 0].sigmoid().gather(1, chosen)
            boxes.append(box)
            scores.append(torch.where(passes, score, -1))
            labels.append(label)
        box, score, label = (torch.cat(each, 1) for each in (boxes, scores, labels))
        batch, count, _ = box.shape
        image = torch.arange(batch, device=box.device)[:, None].expand(-1, count)
        box = clip(box, sizes)
        usable = (score >= 0) & _has_area(box, settings.get('min_bbox_size', -1))
        kept = where(usable.flatten())
        box, score, label, image = (
            each.flatten(0, 1)[kept] for each in (box, score, label, image)
        )
        return _best(images, box, score, label, image, head.num_classes, settings)


def _flat(values: Tensor, channels: int) -> Tensor:
    """Turn (B, A * channels, H, W) into (B, H * W * A, channels)."""
    values = values.permute(0, 2, 3, 1)
    return values.unflatten(3, (-1, channels)).flatten(1, 3)


def _of_level(
    head: Any, level: int, logits: Tensor, deltas: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Decode the best places of a map: their indices, boxes, scores and labels."""
    priors, coder = head.prior_generator, head.bbox_coder
    base = priors.base_anchors[level].to(logits)
    stride = priors.strides[level][0]
    height, width = logits.shape[2:]
    anchors = grid_anchors(base, height, width, stride)
    classes = head.cls_out_channels
    scores, best = highest(_flat(logits, classes).flatten(1).sigmoid(), most)
    place = best // classes
    boxes = decode(anchors[place], at(_flat(deltas, 4), place), coder.means, coder.stds)
    return place, boxes, scores, best % classes


def _has_area(boxes: Tensor, least: float) -> Tensor:
    if least < 0:
        return torch.ones_like(boxes[..., 0], dtype=torch.bool)
    sides = boxes[..., 2:] - boxes[..., :2]
    return (sides > least).all(dim=-1)


def _best(
    images: Tensor,
    box: Tensor,
    score: Tensor,
    label: Tensor,
    image: Tensor,
    classes: int,
    settings: Any,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Suppress overlapping boxes of a class, and keep the best of each image."""
    groups = image * classes + label
    iou = settings['nms']['iou_threshold']
    kept = suppress(box, score, groups, iou, _longer_side(images))
    image = image[kept]
    first = where(first_of_each(image, images.shape[0], settings['max_per_img']))
    kept = kept[first]
    return box[kept], score[kept], label[kept], image[first]


def _longer_side(images: Tensor) -> Tensor:
    side = torch.sym_max(images.shape[2], images.shape[3])
    return torch.scalar_tensor(side, device=images.device)


class MaskRCNN(Graph):
    """Boxes and masks of Mask R-CNN."""

    inputs = ('images', 'sizes')
    outputs = ('boxes', 'scores', 'labels', 'image', 'masks')

    def forward(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, ...]:
        """Detect objects with their masks.

        Args:
            images: (B, 3, H, W).
            sizes: height and width of each image without padding, (B, 2).

        Returns:
            As :class:`Detector`, and the mask of each object within its box, (N, h, w),
            in [0, 1].
        """
        maps = self.model.extract_feat(images)
        box, image = self._propose(maps, images, sizes)
        heads, settings = self.model.roi_head, self.model.test_cfg['rcnn']
        logits, deltas = heads.bbox_head(
            _regions(heads.bbox_roi_extractor, maps, box, image)
        )
        scores = logits.softmax(dim=1)[:, :-1]
        classes = scores.shape[1]
        found = where((scores > settings['score_thr']).flatten())
        row, label = found // classes, found % classes
        coder = heads.bbox_head.bbox_coder
        deltas = deltas.unflatten(1, (-1, 4))
        own = label if deltas.shape[1] > 1 else torch.zeros_like(label)
        box = decode(box[row], deltas[row, own], coder.means, coder.stds)
        image = image[row]
        limits = sizes.flip(1).repeat(1, 2).to(box.dtype)
        box = torch.minimum(box.clamp(min=0), limits[image])
        score = scores[row, label]
        box, score, label, image = _best(
            images, box, score, label, image, classes, settings
        )
        masks = heads.mask_head(_regions(heads.mask_roi_extractor, maps, box, image))
        place = torch.arange(label.shape[0], device=label.device)
        own = label if masks.shape[1] > 1 else torch.zeros_like(label)
        return box, score, label, image, masks[place, own].sigmoid()

    def _propose(
        self, maps: Any, images: Tensor, sizes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Propose regions: boxes (N, 4), and the image of each (N,)."""
        head, settings = self.model.rpn_head, self.model.test_cfg['rpn']
        boxes, scores, levels = [], [], []
        for index, (logits, deltas) in enumerate(zip(*head(maps))):
            _, box, score, label = _of_level(
                head, index, logits, deltas, settings['nms_pre']
            )
            boxes.append(box)
            scores.append(score)
            levels.append(label + index)  # there is one class
        box, score, level = (torch.cat(each, 1) for each in (boxes, scores, levels))
        batch, count, _ = box.shape
        image = torch.arange(batch, device=box.device)[:, None].expand(-1, count)
        box = clip(box, sizes)
        usable = _has_area(box, settings.get('min_bbox_size', -1))
        kept = where(usable.flatten())
        box, score, level, image = (
            each.flatten(0, 1)[kept] for each in (box, score, level, image)
        )
        box, _, _, image = _best(images, box, score, level, image, len(boxes), settings)
        return box, image


def _regions(extractor: Any, maps: Any, box: Tensor, image: Tensor) -> Tensor:
    """Pool the features of each box from the map that suits its size."""
    from torchvision.ops import roi_align

    rois = torch.cat([image[:, None].to(box.dtype), box], dim=1)
    level_of = extractor.map_roi_levels(rois, extractor.num_inputs)
    pooled, order = [], []
    for level, layer in enumerate(extractor.roi_layers):
        own = where(level_of == level)
        pooled.append(
            roi_align(
                maps[level],
                rois[own],
                layer.output_size,
                layer.spatial_scale,
                layer.sampling_ratio or -1,
                layer.aligned,
            )
        )
        order.append(own)
    return torch.cat(pooled)[torch.cat(order).argsort()]


def graph_of(model: nn.Module) -> Graph:
    """Make the graph of a model.

    Args:
        model: a backbone, or a model of mmpretrain, mmseg or mmdet.

    Raises:
        InputError: the model is of another kind.
    """
    if hasattr(model, 'out_indices'):
        return Maps(model)
    if hasattr(model, 'decode_head'):
        return Segmentor(model)
    if hasattr(getattr(model, 'roi_head', None), 'mask_head'):
        return MaskRCNN(model)
    if hasattr(getattr(model, 'bbox_head', None), 'prior_generator'):
        return Detector(model)
    if hasattr(model, 'head') and hasattr(model, 'extract_feat'):
        return Classifier(model)
    raise InputError(
        f'{type(model).__name__} cannot be exported: only classifiers, segmentors, '
        'detectors with anchors (RetinaNet, ATSS) and Mask R-CNN can'
    )
