"""Read a Pascal VOC xml file, right or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from ..annotations import Kind
from ..annotations.fault import Tally
from ..errors import InputError
from .files import decoded
from .record import left_out
from .sample import Object, Polygon

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def _noted(what: str, then: str, noun: str = 'object') -> Kind:
    return Kind(what, 'noted', then, noun)


EMPTY = left_out('xml file empty', 'file')
BROKEN = left_out('xml file broken', 'file')
NOT_VOC = left_out('xml file without the element annotation', 'file')
BAD_START = _noted(
    'xml file whose first line is wrong, or names another encoding than it has',
    'read all the same',
    'file',
)
NO_SIZE = _noted('size missing, or 0', "the image's own is used", 'file')
NO_NAME = left_out('object without name', 'object')
NO_BOX = left_out('object without bndbox', 'object')
BAD_BOX = left_out('bndbox with a value missing or no number', 'object')
BOX_AROUND = _noted('object without bndbox', 'its box is drawn around the polygon')
BAD_POLYGON = left_out(
    'polygon with a value missing or no number', 'object', 'the polygon is left out'
)
DIFFICULT = _noted(
    'object marked difficult', 'used like others, where the VOC evaluation ignores it'
)


@dataclass(frozen=True)
class VocFile:
    """What an xml file says.

    Attributes:
        path: the file.
        filename: of its image, which may be wrong, or empty.
        size: width and height of the image, if they are there.
        objects: as they are, counted from 0 or from 1.
        count: number of objects, with those that cannot be used.
    """

    path: Path
    filename: str
    size: tuple[int, int] | None
    objects: tuple[Object, ...]
    count: int


def read_xml(path: Path, place: str, tally: Tally) -> VocFile | None:
    """Read an xml file; None if it cannot be read, which is counted.

    Args:
        path: the file.
        place: how messages name it.
        tally: where to count what is wrong.

    Raises:
        InputError: the library for it is missing.
    """
    root = _parse(path, place, tally)
    if root is None:
        return None
    size = _numbers(root.find('size'), ('width', 'height'))
    if size is None or min(size) <= 0:
        tally.add([NO_SIZE], place)
        size = None
    objects = []
    elements = list(root.iter('object'))
    for element in elements:
        each, kinds = _object(element)
        tally.add(kinds, place)
        if each is not None:
            objects.append(each)
    name = (root.findtext('filename') or '').strip()
    whole = None if size is None else (int(size[0]), int(size[1]))
    return VocFile(path, name, whole, tuple(objects), len(elements))


def _parse(path: Path, place: str, tally: Tally) -> Element | None:
    """Return the first element of an xml file; None if it is broken."""
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ImportError as error:
        raise InputError(
            'Pascal VOC xml is read with defusedxml: pip install "sepvit_mm[data]"'
        ) from error
    content = path.read_bytes()
    if not content.strip():
        tally.add([EMPTY], place)
        return None
    try:
        try:
            root: Element = fromstring(content)
        except (ParseError, LookupError):
            text = re.sub(r'^\s*<\?xml.*?\?>', '', decoded(content), flags=re.DOTALL)
            root = fromstring(text)
            tally.add([BAD_START], place)
    except (ParseError, DefusedXmlException, ValueError):
        tally.add([BROKEN], place)
        return None
    if root.tag != 'annotation':
        tally.add([NOT_VOC], place)
        return None
    return root


def _object(element: Element) -> tuple[Object | None, list[Kind]]:
    """Return an object, None if it cannot be used, and what is wrong."""
    label = ' '.join((element.findtext('name') or '').split())
    if not label:
        return None, [NO_NAME]
    kinds: list[Kind] = []
    polygons = tuple(_polygons(element, kinds))
    box_element = element.find('bndbox')
    box = _numbers(box_element, ('xmin', 'ymin', 'xmax', 'ymax'))
    if box is None and box_element is not None:
        return None, [*kinds, BAD_BOX]
    if box is None:
        if not polygons:
            return None, [*kinds, NO_BOX]
        kinds.append(BOX_AROUND)
        xs = [x for polygon in polygons for x in polygon[::2]]
        ys = [y for polygon in polygons for y in polygon[1::2]]
        box = (min(xs), min(ys), max(xs), max(ys))
    if (element.findtext('difficult') or '').strip() == '1':
        kinds.append(DIFFICULT)
    return Object(label, (box[0], box[1], box[2], box[3]), polygons), kinds


def _polygons(element: Element, kinds: list[Kind]) -> Iterator[Polygon]:
    """Yield polygons of either dialect: x1, y1, x2, ... or pt elements with x and y."""
    for polygon in element.findall('polygon'):
        points = polygon.findall('pt')
        count = sum(re.fullmatch(r'x\d+', child.tag) is not None for child in polygon)
        pairs = [_numbers(point, ('x', 'y')) for point in points] or [
            _numbers(polygon, (f'x{i}', f'y{i}')) for i in range(1, count + 1)
        ]
        if pairs and all(pair is not None for pair in pairs):
            yield tuple(value for pair in pairs if pair for value in pair)
        else:
            kinds.append(BAD_POLYGON)


def _numbers(element: Element | None, tags: Sequence[str]) -> tuple[float, ...] | None:
    """Return the numbers of an element's children; None if one is missing or none."""
    if element is None:
        return None
    try:
        values = tuple(float(element.findtext(tag) or '') for tag in tags)
    except ValueError:
        return None
    return values if all(map(isfinite, values)) else None
