"""Predict many images, whatever is wrong with some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from time import perf_counter
from typing import Any

from mmengine.config import Config

from ..backbones.arch import require_one_of
from ..drawing.samples import Shown, predictions_of
from ..engine import load_config
from ..engine.precision import Precision
from ..errors import InputError
from .inputs import Inputs, Item, find_inputs
from .model import Model
from .outputs import Kind, Outputs
from .tiles import predict_in_tiles, tiles_of

Track = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Failure:
    """An image without a prediction, and why."""

    image: str
    reason: str


@dataclass
class Outcome:
    """What became of all images.

    Attributes:
        images: how many there are.
        done: how many were predicted.
        failures: those that were not.
        seconds: how long it took, without building the model.
        interrupted: whether Ctrl-C ended it early.
        predictions: by name of the image, if nothing was written.
    """

    images: int
    done: int = 0
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    predictions: dict[str, Shown] = field(default_factory=dict)


def predict(
    config: str | Path | Config,
    checkpoint: str | Path,
    inputs: str | Path | Sequence[str | Path],
    *,
    out: str | Path | None = None,
    save: Sequence[Kind] = ('pictures', 'json', 'csv', 'masks'),
    score_thr: float = 0.3,
    batch_size: int = 1,
    device: str | None = None,
    precision: Precision = 'fp32',
    tta: bool = False,
    tile: int | None = None,
    overlap: float = 0.2,
    every: int = 1,
    image_root: str | Path | None = None,
    track: Track = iter,
) -> Outcome:
    """Predict images with a trained model.

    An image that cannot be read or predicted is a failure of its own; the others go on.

    Args:
        config: a config file, or from :func:`sepvit_mm.engine.load_config`.
        checkpoint: a file or an address, or a folder, for the best checkpoint in it, or
            the last if training kept no best; it must fit the model key by key.
        inputs: images, folders, patterns, text files of paths, videos, COCO jsons.
        out: an empty or new folder to write to. Defaults to None: nothing is written,
            and the predictions are returned.
        save: what to write. Defaults to all that the task has.
        score_thr: least score of an object in pictures, tables and masks; the json has
            all that the model returns. Defaults to 0.3.
        batch_size: images, or tiles of one, that go through the model together;
            results do not depend on it. Defaults to 1.
        device: such as 'cuda:1'. Defaults to None: a GPU if there is one.
        precision: 'fp32', 'bf16' or 'fp16'. Defaults to 'fp32'.
        tta: whether to use the config's test-time augmentation. Defaults to False.
        tile: side in pixels of the tiles to predict. Defaults to None: whole images.
        overlap: share of a tile that the next one repeats. Defaults to 0.2.
        every: of a video, each n-th frame. Defaults to 1: all.
        image_root: folder of a COCO json's images. Defaults to None: near the json.
        track: wraps the batches, to show progress. Defaults to nothing.

    Returns:
        What became of the images.

    Raises:
        InputError: an input, the checkpoint or an option cannot be used.
    """
    given = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    for kind in save:
        require_one_of('save', kind, Kind)
    _require(tile, overlap, batch_size, every, score_thr)
    folder = None if out is None else _new_folder(out)
    cfg = config if isinstance(config, Config) else load_config(config)
    if tile is not None:
        if cfg.get('default_scope') == 'mmpretrain':
            raise InputError(
                '--tile is for objects and pixels; a classifier sees an image whole'
            )
        tiles_of(tile, tile, tile, overlap)  # tells if sahi is missing
    found = find_inputs(given, every=every, image_root=image_root)
    model = Model(cfg, checkpoint, device=device, precision=precision, tta=tta)
    outcome = Outcome(len(found.items))
    outputs = (
        None if folder is None else _outputs(folder, save, model, found, score_thr)
    )
    start = perf_counter()
    try:
        for batch in track(_batches(found.items, 1 if tile else batch_size)):
            _predict_batch(model, batch, outcome, outputs, tile, overlap, batch_size)
    except KeyboardInterrupt:
        outcome.interrupted = True
    outcome.seconds = perf_counter() - start
    if outputs is not None:
        outputs.finish([(f.image, f.reason) for f in outcome.failures])
    return outcome


def _predict_batch(
    model: Model,
    batch: Sequence[Item],
    outcome: Outcome,
    outputs: Outputs | None,
    tile: int | None,
    overlap: float,
    batch_size: int,
) -> None:
    loaded: list[tuple[Item, Any, Any]] = []
    for item in batch:
        with _failing(item, outcome):
            record = model.load(item)
            image = model.picture(record) if outputs is not None else None
            if tile is not None:
                shown = predict_in_tiles(model, record, tile, overlap, batch_size)
                _keep(item, image, shown, outcome, outputs)
            else:
                loaded.append((item, image, model.prepare(record)))
    if not loaded:
        return
    try:
        samples = model([ready for _, _, ready in loaded])
    except Exception:  # of any kind; then one by one, so that one fails alone
        samples = [None] * len(loaded)
    for (item, image, ready), sample in zip(loaded, samples):
        with _failing(item, outcome):
            sample = model([ready])[0] if sample is None else sample
            _keep(item, image, predictions_of(sample), outcome, outputs)


class _failing:
    """Count an error as the failure of one image."""

    def __init__(self, item: Item, outcome: Outcome) -> None:
        self._item, self._outcome = item, outcome

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        # of any kind: files and transforms are the user's
        if not isinstance(error, Exception) or isinstance(error, InputError):
            return False
        reason = shorten(f'{type(error).__name__}: {error}', 300)
        self._outcome.failures.append(Failure(self._item.name, reason))
        return True


def _keep(
    item: Item, image: Any, shown: Shown, outcome: Outcome, outputs: Outputs | None
) -> None:
    if outputs is None:
        outcome.predictions[item.name] = shown
    else:
        outputs.add(item, image, shown)
    outcome.done += 1


def _batches(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


def _outputs(
    folder: Path, save: Iterable[Kind], model: Model, found: Inputs, score_thr: float
) -> Outputs:
    return Outputs(
        folder,
        save,
        model.meta,
        categories=found.categories,
        threshold=score_thr,
    )


def _new_folder(out: str | Path) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f'{folder} is a file, but must be a folder')
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f'{folder} is not empty, and nothing is overwritten: give a new folder'
        )
    return folder


def _require(
    tile: int | None, overlap: float, batch_size: int, every: int, score_thr: float
) -> None:
    if tile is not None and tile < 32:
        raise InputError(f'--tile is {tile}, but must be 32 pixels or more')
    if not 0 <= overlap <= 0.9:
        raise InputError(f'--overlap is {overlap}, but must be in 0..0.9')
    if not 0 <= score_thr <= 1:
        raise InputError(f'--score-thr is {score_thr}, but must be in 0..1')
    for name, value in (('--batch-size', batch_size), ('--every', every)):
        if value < 1:
            raise InputError(f'{name} is {value}, but must be 1 or more')
