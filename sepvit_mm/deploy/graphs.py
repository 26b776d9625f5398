"""Models as functions of tensors, to be exported.

Every graph takes images that are resized, padded and normalised. Detectors also take
the size of each image without its padding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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

NONE = -1.0
"""Score of what is no object."""


class Objects(NamedTuple):
    """Objects of all images of a batch.

    Attributes:
        box: left, top, right and bottom in pixels, (N, 4).
        score: (N,).
        label: the class, (N,).
        image: index of the image, (N,).
    """

    box: Tensor
    score: Tensor
    label: Tensor
    image: Tensor


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


class Pooling(nn.Module):
    """Adaptive average pooling as two products, for maps of any size.

    The operator of PyTorch is recorded with the places of one size.

    Args:
        height: of the output.
        width: of the output.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, x: Tensor) -> Tensor:
        """Pool (B, C, H, W) to (B, C, height, width)."""
        rows, columns = (
            _shares(own, side, x) for own, side in zip(x.shape[2:], self.size)
        )
        return rows @ x @ columns.T


def _shares(count: int, parts: int, like: Tensor) -> Tensor:
    """Return the share that each of ``count`` entries has in each part's mean."""
    part = torch.arange(parts, device=like.device)[:, None]
    begin, end = part * count // parts, ((part + 1) * count + parts - 1) // parts
    place = torch.arange(count, device=like.device)
    inside = (place >= begin) & (place < end)
    return inside.to(like.dtype) / (end - begin)


class Segmentor(Graph):
    """Logits of the classes at each pixel."""

    outputs = ('logits',)

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        for parent in list(self.model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.AdaptiveAvgPool2d):
                    size: Any = child.output_size
                    sides = size if isinstance(size, tuple) else (size, size)
                    setattr(parent, name, Pooling(*sides))

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
            chosen, box, score, label = _of_level(
                head, level, logits, deltas, settings['nms_pre']
            )
            passes = score > settings['score_thr']
            if centres:  # ATSS: whether the place is in the middle of its object
                score = score * _flat(centres[0], 1)[..., 0].sigmoid().gather(1, chosen)
            boxes.append(box)
            scores.append(torch.where(passes, score, NONE))
            labels.append(label)
        found = _candidates(boxes, scores, labels, sizes, settings)
        return (*_best(found, images, head.num_classes, settings),)


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


def _candidates(
    boxes: list[Tensor],
    scores: list[Tensor],
    labels: list[Tensor],
    sizes: Tensor,
    settings: Any,
) -> Objects:
    """Join what the maps give for all images, without what cannot be an object."""
    box, score, label = (torch.cat(each, 1) for each in (boxes, scores, labels))
    batch, count = score.shape
    image = torch.arange(batch, device=box.device)[:, None].expand(-1, count)
    box = clip(box, sizes[:, None])
    usable = score >= 0
    least = settings.get('min_bbox_size', -1)
    if least >= 0:
        usable &= (box[..., 2:] - box[..., :2] > least).all(dim=-1)
    kept = where(usable.flatten())
    found = (each.flatten(0, 1)[kept] for each in (box, score, label, image))
    return Objects(*found)


def _best(found: Objects, images: Tensor, classes: int, settings: Any) -> Objects:
    """Suppress overlapping boxes of a class, and keep the best of each image."""
    box, score, label, image = found
    iou = settings['nms']['iou_threshold']
    side = _longer_side(images)
    kept = suppress(box, score, image * classes + label, iou, side)
    most = settings['max_per_img']
    kept = kept[where(first_of_each(image[kept], images.shape[0], most))]
    return Objects(*(each[kept] for each in found))


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
        regions = self._propose(maps, images, sizes)
        heads, settings = self.model.roi_head, self.model.test_cfg['rcnn']
        logits, deltas = heads.bbox_head(
            _pooled(heads.bbox_roi_extractor, maps, regions)
        )
        scores = logits.softmax(dim=1)[:, :-1]
        classes = scores.shape[1]
        passes = where((scores > settings['score_thr']).flatten())
        row, label = passes // classes, passes % classes
        deltas = deltas.unflatten(1, (-1, 4))
        own = label if deltas.shape[1] > 1 else torch.zeros_like(label)
        coder = heads.bbox_head.bbox_coder
        box = decode(regions.box[row], deltas[row, own], coder.means, coder.stds)
        image = regions.image[row]
        box = clip(box, sizes[image])
        found = Objects(box, scores[row, label], label, image)
        found = _best(found, images, classes, settings)
        masks = heads.mask_head(_pooled(heads.mask_roi_extractor, maps, found))
        place = torch.arange(found.label.shape[0], device=label.device)
        own = found.label if masks.shape[1] > 1 else torch.zeros_like(found.label)
        return *found, masks[place, own].sigmoid()

    def _propose(self, maps: Any, images: Tensor, sizes: Tensor) -> Objects:
        """Propose regions; the label of each is the map that it is from."""
        head, settings = self.model.rpn_head, self.model.test_cfg['rpn']
        boxes, scores, levels = [], [], []
        for index, (logits, deltas) in enumerate(zip(*head(maps))):
            _, box, score, label = _of_level(
                head, index, logits, deltas, settings['nms_pre']
            )
            boxes.append(box)
            scores.append(score)
            levels.append(label + index)  # there is one class
        found = _candidates(boxes, scores, levels, sizes, settings)
        return _best(found, images, len(boxes), settings)


def _pooled(extractor: Any, maps: Any, found: Objects) -> Tensor:
    """Pool the features of each box from the map that suits its size."""
    from torchvision.ops import roi_align

    rois = torch.cat([found.image[:, None].to(found.box.dtype), found.box], dim=1)
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


def graph_of(model: Any) -> Graph:
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
    # subclasses may decode in another way
    kind = type(getattr(model, 'roi_head', None)).__name__
    if kind == 'StandardRoIHead' and model.roi_head.with_mask:
        return MaskRCNN(model)
    if type(getattr(model, 'bbox_head', None)).__name__ in ('RetinaHead', 'ATSSHead'):
        return Detector(model)
    if hasattr(model, 'head') and hasattr(model, 'extract_feat'):
        return Classifier(model)
    raise InputError(
        f'{type(model).__name__} cannot be exported: only classifiers, segmentors, '
        'RetinaNet, ATSS and Mask R-CNN can'
    )
