"""Write predictions: pictures, COCO results, tables and index PNGs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..atomic import written_whole
from ..drawing.colours import colours_of
from ..drawing.masks import run_lengths
from ..drawing.names import PictureNames, save
from ..drawing.paint import paint
from ..drawing.samples import Shown
from .inputs import Item

Kind = Literal['pictures', 'json', 'csv', 'masks']
"""What can be written."""

OBJECTS = ('image', 'label', 'score', 'left', 'top', 'width', 'height')
CLASSES = ('image', 'label', 'score')
PIXELS = ('image', 'label', 'share')


class Outputs:
    """Write predictions into a folder, image by image.

    Args:
        folder: where to write.
        kinds: what to write.
        meta: the model's classes and colours.
        categories: of the COCO file that the images are from. Defaults to None:
            numbered from 1.
        threshold: least score of an object in pictures, tables and masks; the json has
            all. Defaults to 0.3.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Iterable[Kind],
        meta: Mapping[str, Any],
        *,
        categories: Sequence[Mapping[str, Any]] | None = None,
        threshold: float = 0.3,
    ) -> None:
        self.folder, self.kinds, self.threshold = folder, set(kinds), threshold
        self.classes = tuple(map(str, meta.get('classes') or ()))
        self._colours = colours_of({**meta, 'classes': self.classes})
        self._names = PictureNames()
        ids = {str(c['name']): int(c['id']) for c in categories or ()}
        if not set(self.classes) <= set(ids):  # of another dataset
            ids = {name: i for i, name in enumerate(self.classes, start=1)}
        self._ids = [ids[name] for name in self.classes]
        self._results: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._columns: tuple[str, ...] = OBJECTS

    def add(self, item: Item, image: NDArray[np.uint8], shown: Shown) -> None:
        """Write one image's pictures and masks, and remember its rows.

        Args:
            item: the image.
            image: shape H, W, 3 in RGB.
            shown: what the model says.

        Raises:
            OSError: a file cannot be written.
        """
        name = self._names.name(item.name)
        if 'pictures' in self.kinds:
            colours, classes = self._colours, self.classes
            picture = paint(image, shown, classes, colours, threshold=self.threshold)
            save(picture, self.folder / 'pictures' / name)
        if 'masks' in self.kinds:
            self._save_mask(shown, image.shape[:2], name)
        if 'json' in self.kinds:
            self._add_results(item, image.shape[:2], shown)
        if 'csv' in self.kinds:
            self._add_rows(item, shown)

    def _save_mask(self, shown: Shown, size: tuple[int, ...], name: str) -> None:
        index = shown.label_map
        if shown.masks is not None:
            index = np.zeros(size, np.uint16)
            number = 0
            for score, mask in zip(shown.scores, shown.masks):
                if score < self.threshold:
                    continue
                number += 1
                rows, columns = mask.pixels.shape
                part = index[mask.top : mask.top + rows, mask.left :][:, :columns]
                part[mask.pixels & (part == 0)] = number  # the best score is on top
        if index is None:
            return
        wide = index.max(initial=0) > 255
        index = index.astype(np.uint16 if wide or shown.masks is not None else np.uint8)
        path = self.folder / 'masks' / f'{name.removesuffix(".png")}.png'
        save(index, path)

    def _add_results(self, item: Item, size: tuple[int, ...], shown: Shown) -> None:
        number = len(self._images) + 1
        image_id = number if item.image_id is None else item.image_id
        entry = {'id': image_id, 'file_name': item.name}
        self._images.append({**entry, 'width': size[1], 'height': size[0]})
        if shown.label_map is not None:
            shares = dict(self._shares(shown))
            self._results.append({'image_id': image_id, 'shares': shares})
        elif shown.class_scores is not None:
            scores = dict(zip(self.classes, shown.class_scores.tolist()))
            self._results.append({'image_id': image_id, 'scores': scores})
        else:
            self._results += self._objects(image_id, (size[0], size[1]), shown)

    def _objects(
        self, image_id: int, size: tuple[int, int], shown: Shown
    ) -> Iterable[dict[str, Any]]:
        for index, label in enumerate(shown.labels.tolist()):
            left, top, right, bottom = shown.boxes[index].tolist()
            result: dict[str, Any] = {
                'image_id': image_id,
                'category_id': self._ids[label],
                'bbox': [left, top, right - left, bottom - top],
                'score': float(shown.scores[index]),
            }
            if shown.masks is not None:
                result['segmentation'] = run_lengths(shown.masks[index], size)
            yield result

    def _shares(self, shown: Shown) -> Iterable[tuple[str, float]]:
        assert shown.label_map is not None
        counts = np.bincount(
            shown.label_map[shown.label_map >= 0].ravel(), minlength=len(self.classes)
        )
        shares = counts / max(1, shown.label_map.size)
        return zip(self.classes, shares.tolist())

    def _add_rows(self, item: Item, shown: Shown) -> None:
        if shown.label_map is not None:
            self._columns = PIXELS
            self._rows += [(item.name, *entry) for entry in self._shares(shown)]
        elif shown.class_scores is not None:
            self._columns = CLASSES
            for label in np.argsort(-shown.class_scores, kind='stable')[:5]:
                score = float(shown.class_scores[label])
                self._rows.append((item.name, self.classes[label], score))
        else:
            for label, score, box in zip(shown.labels, shown.scores, shown.boxes):
                if score >= self.threshold:
                    left, top, right, bottom = box.tolist()
                    place = (left, top, right - left, bottom - top)
                    row = (item.name, self.classes[label], float(score), *place)
                    self._rows.append(row)

    def finish(self, failures: Sequence[tuple[str, str]]) -> None:
        """Write what is of all images: the json, the table and the failures.

        Args:
            failures: name and reason of each image without a prediction.
        """
        if 'json' in self.kinds:
            names = zip(self._ids, self.classes)
            categories = [{'id': number, 'name': name} for number, name in names]
            listed = {
                'images': self._images,
                'annotations': [],
                'categories': categories,
            }
            for name, content in (('predictions', self._results), ('images', listed)):
                with written_whole(self.folder / f'{name}.json') as partial:
                    partial.write_text(json.dumps(content))
        if 'csv' in self.kinds:
            _write_csv(self.folder / 'predictions.csv', self._columns, self._rows)
        if failures:
            path = self.folder / 'failures.csv'
            _write_csv(path, ('image', 'reason'), failures)


def _write_csv(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    with written_whole(path) as partial:
        with partial.open('w', newline='', encoding='utf-8') as file:
            csv.writer(file).writerows([columns, *rows])
