"""Write annotations as the libraries read them; images stay where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ..atomic import written_whole
from ..drawing.colours import colours_of
from .masks import label_map, mask_of
from .sample import Object, Sample, Samples


def images_folder(samples: Samples) -> Path:
    """Return the deepest folder that all images are in, as an absolute path.

    Args:
        samples: all images.
    """
    folders = {str(sample.image.absolute().parent) for sample in samples.samples}
    return Path(os.path.commonpath(folders))


def image_names(samples: Samples, indices: Sequence[int]) -> list[str]:
    """Return the paths of images in :func:`images_folder`, with forward slashes.

    Args:
        samples: all images.
        indices: which to name.
    """
    folder = images_folder(samples)
    paths = (samples.samples[index].image.absolute() for index in indices)
    return [path.relative_to(folder).as_posix() for path in paths]


def write_coco(samples: Samples, indices: Sequence[int], path: str | Path) -> None:
    """Write a COCO file.

    Args:
        samples: all images.
        indices: which of them to write.
        path: the file to write. Names in it are relative to :func:`images_folder`, ids
            count from 1, and categories are in the order of the classes.
    """
    number = {name: i for i, name in enumerate(samples.classes, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names = image_names(samples, indices)
    for own, (index, name) in enumerate(zip(indices, names), 1):
        sample = samples.samples[index]
        width, height = sample.size
        images.append(dict(id=own, file_name=name, width=width, height=height))
        for each in sample.objects:
            entry = _annotation(each, sample.size)
            entry.update(image_id=own, category_id=number[each.label])
            annotations.append({'id': len(annotations) + 1, **entry})
    categories = [dict(id=i, name=name) for name, i in number.items()]
    content = dict(images=images, annotations=annotations, categories=categories)
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content), encoding='utf-8')


def _annotation(each: Object, size: tuple[int, int]) -> dict[str, Any]:
    left, top, right, bottom = (round(value, 3) for value in each.box)
    box = [left, top, round(right - left, 3), round(bottom - top, 3)]
    entry = dict(bbox=box, area=box[2] * box[3], iscrowd=int(each.crowd))
    if each.polygons and not each.crowd:
        entry['segmentation'] = [
            [round(value, 3) for value in polygon] for polygon in each.polygons
        ]
        entry['area'] = int(mask_of(each, size).sum())
    elif each.rle or each.polygons:
        entry['segmentation'] = _run_lengths(each, size)
        entry['area'] = int(mask_of(each, size).sum())
    return entry


def _run_lengths(each: Object, size: tuple[int, int]) -> dict[str, Any]:
    """Return a mask as COCO's compressed run lengths, which any reader accepts."""
    import numpy as np
    from pycocotools import mask as coco

    rle = coco.encode(np.asfortranarray(mask_of(each, size).astype(np.uint8)))
    return dict(size=list(rle['size']), counts=rle['counts'].decode())


def write_masks(samples: Samples, indices: Sequence[int], folder: str | Path) -> None:
    """Write label maps: PNG files with a palette, a class number a pixel.

    Args:
        samples: all images.
        indices: which of them to write.
        folder: folder to write to. A label map is named as its image within
            :func:`images_folder`, with '.png' added; 255 is ignored.
    """
    colours = colours_of({'classes': samples.classes})
    palette = [value for colour in colours for value in colour]
    for index, name in zip(indices, image_names(samples, indices)):
        path = Path(folder, f'{name}.png')
        image = Image.fromarray(label_map(samples, samples.samples[index]), mode='P')
        image.putpalette(palette + [0] * (768 - len(palette)))
        with written_whole(path) as partial:
            image.save(partial, format='PNG')


def annotated_classes(samples: Samples, index: int) -> Iterator[str]:
    """Yield the class of each object of an image, or each class that its pixels have.

    Args:
        samples: all images.
        index: which of them.
    """
    sample = samples.samples[index]
    if sample.label is not None:
        yield sample.label
    elif sample.mask is not None:
        import numpy as np

        for number in np.unique(label_map(samples, sample)).tolist():
            if number < len(samples.classes):
                yield samples.classes[number]
    elif samples.task == 'semantic':
        yield from dict.fromkeys([samples.classes[0], *_labels(sample)])
    else:
        yield from _labels(sample)


def _labels(sample: Sample) -> list[str]:
    return [each.label for each in sample.objects]
