"""What can be wrong with the annotations of a COCO file, one for each object."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeGuard

from .fault import Kind, Tally

Entry = Mapping[str, Any]
Size = tuple[float, float]
Role = Literal['train', 'load', 'evaluate']


def _kind(what: str, outcome: Any, then: str) -> Kind:
    return Kind(what, outcome, then, 'annotation')


_RENUMBERED = 'counted from 1 instead'
_UNSEEN = 'mmdet does not train on it, but evaluation counts an object to be found'

NO_ID = _kind('id missing or not a number', 'repaired', _RENUMBERED)
ZERO_ID = _kind(
    'id 0', 'repaired', f'pycocotools would count the object as missed; {_RENUMBERED}'
)
SAME_ID = _kind('id used twice', 'repaired', _RENUMBERED)
RENUMBER = {NO_ID, ZERO_ID, SAME_ID}
NO_IMAGE = _kind('image_id missing', 'stops', 'say which image the object is in')
STRANGE_IMAGE = _kind('image_id unknown', 'noted', 'no image has it: left out')
NO_CATEGORY = _kind('category_id missing', 'stops', 'say what the object is')
STRANGE_CATEGORY = _kind('category_id unknown', 'noted', 'no category has it: left out')
NO_CROWD = _kind('iscrowd missing', 'repaired', 'taken as 0')
BAD_CROWD = _kind('iscrowd neither 0 nor 1', 'stops', 'write 0 for a single object')
NO_AREA = _kind('area missing or not a number', 'repaired', "the box's area instead")
BAD_AREA = _kind(
    'area not positive',
    'noted',
    "mmdet does not train on the object; remove the field to use the box's area",
)
NO_BOX = _kind('bbox not four numbers', 'stops', 'write [left, top, width, height]')
FLAT_BOX = _kind('bbox without width or height', 'noted', _UNSEEN)
FAR_BOX = _kind('bbox outside the image', 'noted', _UNSEEN)
NO_MASK = _kind(
    'segmentation missing', 'stops', 'the config loads or evaluates masks: add them'
)
BAD_MASK = _kind(
    'segmentation neither polygons nor RLE',
    'stops',
    'write a list of lists of numbers, or an object with counts and size',
)
_POLYGON = 'segmentation with fewer than three points or an odd number of numbers'
BAD_POLYGON = _kind(_POLYGON, 'noted', 'mmdet leaves the polygon out')
FATAL_POLYGON = _kind(_POLYGON, 'stops', 'pycocotools takes it for a box and fails')
BAD_SIZE = _kind(
    'segmentation.size not that of the image', 'stops', 'it is [height, width]'
)
CORNERS = Kind(
    'bbox looks like two corners, since all have the second beyond the first',
    'noted',
    'COCO has [left, top, width, height], and as such some reach outside the image',
)
FRACTIONS = Kind(
    'bbox has fractions of the image in all annotations',
    'stops',
    'write pixels; mmdet leaves out boxes narrower than one',
)


class Objects(NamedTuple):
    """What a file has to train on or evaluate with.

    Attributes:
        usable: number of annotations that mmdet uses.
        images: ids of the images with an annotation of a class of the config.
    """

    usable: int
    images: set[Any]


def scan_objects(
    annotations: Sequence[Entry],
    sizes: Mapping[Any, Size | None],
    categories: Collection[Any],
    classes: Collection[Any],
    tally: Tally,
    *,
    role: Role,
    masks: bool,
) -> Objects:
    """Count the faults of all annotations, in one pass.

    Args:
        annotations: as in the file.
        sizes: width and height of the images, None if unknown, by id.
        categories: ids of all categories.
        classes: ids of the categories that the config uses.
        tally: where to count.
        role: what they are for.
        masks: whether those of the config's classes must have masks.
    """
    seen: set[Any] = set()
    usable, images = 0, set()
    whole = corners = fractions = beyond = 0
    for index, entry in enumerate(annotations):
        place = entry.get('id', f'entry {index}')
        tally.add(_ids(entry, sizes, categories, seen), place)
        tally.add(_extras(entry), place)
        image, category = entry.get('image_id'), entry.get('category_id')
        if not (is_id(image) and is_id(category)):
            continue
        size = sizes.get(image)
        wrong = list(_box(entry, size))
        tally.add(wrong, place)
        if NO_BOX in wrong:
            continue
        left, top, width, height = entry['bbox']
        whole += 1
        corners += width > left and height > top
        fractions += max(left, top, width, height) <= 1
        beyond += size is not None and _reaches_beyond(entry['bbox'], size)
        if category not in classes or image not in sizes:
            continue
        images.add(image)
        # mmdet leaves objects out where pycocotools evaluates them all
        used = role == 'evaluate' or not (wrong or _is_left_out(entry))
        if used and masks:
            wrong = list(_mask(entry, size, role))
            tally.add(wrong, place)
            used = role == 'evaluate' or not wrong
        usable += used
    if whole and fractions == whole:
        tally.add([FRACTIONS])
    elif beyond and corners == whole:
        tally.add([CORNERS])
    return Objects(usable, images)


def is_id(value: object) -> bool:
    """Tell whether a value can be the id of an image or category."""
    return isinstance(value, (int, str))


def has_id(entry: Entry) -> bool:
    """Tell whether an image or a category has an id."""
    return is_id(entry.get('id'))


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a finite number."""
    return isinstance(value, (int, float)) and isfinite(value)


def _ids(
    entry: Entry,
    images: Collection[Any],
    categories: Collection[Any],
    seen: set[Any],
) -> Iterator[Kind]:
    """Find what is wrong with ids, and remember the annotation's own."""
    own, image, category = map(entry.get, ('id', 'image_id', 'category_id'))
    if not is_number(own):
        yield NO_ID
    elif own in seen:
        yield SAME_ID
    elif own == 0:
        yield ZERO_ID
    else:
        seen.add(own)
    if not is_id(image):
        yield NO_IMAGE
    elif image not in images:
        yield STRANGE_IMAGE
    if not is_id(category):
        yield NO_CATEGORY
    elif category not in categories:
        yield STRANGE_CATEGORY


def _extras(entry: Entry) -> Iterator[Kind]:
    """Find what is wrong with the fields that a repair can fill."""
    crowd = entry.get('iscrowd')
    if crowd is None:
        yield NO_CROWD
    elif crowd not in (0, 1):
        yield BAD_CROWD
    if not is_number(entry.get('area')):
        yield NO_AREA
    elif entry['area'] <= 0:
        yield BAD_AREA


def _box(entry: Entry, size: Size | None) -> Iterator[Kind]:
    box = entry.get('bbox')
    if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box))):
        yield NO_BOX
    elif box[2] <= 0 or box[3] <= 0:
        yield FLAT_BOX
    elif size and not _overlaps(box, size):
        yield FAR_BOX


def _overlaps(box: Sequence[float], size: Size) -> bool:
    left, top, width, height = box
    inside = left < size[0] and top < size[1]
    return inside and left + width > 0 and top + height > 0


def _reaches_beyond(box: Sequence[float], size: Size) -> bool:
    """Tell whether a box ends more than a pixel outside the image."""
    return box[0] + box[2] > size[0] + 1 or box[1] + box[3] > size[1] + 1


def _is_left_out(entry: Entry) -> bool:
    """Tell whether mmdet leaves out an object that is in the image."""
    area = entry.get('area')
    flat = is_number(area) and area <= 0
    small = entry['bbox'][2] < 1 or entry['bbox'][3] < 1
    return flat or small or bool(entry.get('ignore'))


def _mask(entry: Entry, size: Size | None, role: Role) -> Iterator[Kind]:
    mask = entry.get('segmentation')
    if not mask:
        yield NO_MASK
    elif isinstance(mask, dict):
        if not ('counts' in mask and isinstance(mask.get('size'), list)):
            yield BAD_MASK
        elif size and mask['size'] != [size[1], size[0]]:
            yield BAD_SIZE
    elif not isinstance(mask, list) or not all(isinstance(x, list) for x in mask):
        yield BAD_MASK
    elif any(len(polygon) < 6 or len(polygon) % 2 for polygon in mask):
        # pycocotools goes by the first of an object
        fails = role == 'evaluate' and len(mask[0]) <= 4
        yield FATAL_POLYGON if fails else BAD_POLYGON
