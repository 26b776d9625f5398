"""Predict images with the model in this folder; README.md says what to install.

python predict.py photo.jpg folder_of_photos --out predictions
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

HERE = Path(__file__).resolve().parent
SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def load_model(about: dict[str, Any]) -> Any:
    """Return a function from inputs to outputs, both by name."""
    names = about['outputs']
    if about['format'] == 'onnx':
        from onnxruntime import InferenceSession, get_available_providers

        providers = get_available_providers()
        session = InferenceSession(HERE / 'model.onnx', providers=providers)
        return lambda inputs: dict(zip(names, session.run(names, inputs)))
    if about['format'] == 'openvino':
        import openvino

        hint = 'bf16' if about['precision'] == 'bfloat16' else 'f32'
        settings = {'INFERENCE_PRECISION_HINT': hint}
        model = openvino.Core().compile_model(HERE / 'model.xml', 'CPU', settings)
        return lambda inputs: dict(zip(names, model(inputs).values()))
    import torch
    import torchvision  # noqa: F401  has operators of detectors

    graph = torch.no_grad()(torch.export.load(HERE / 'model.pt2').module())
    run = lambda inputs: graph(*map(torch.from_numpy, inputs.values()))  # noqa: E731
    return lambda inputs: dict(zip(names, (each.numpy() for each in run(inputs))))


def resize(pixels: Any, width: int, height: int) -> Any:
    """Resize (H, W, C) bilinearly, without smoothing, as in training."""
    for axis, side in enumerate((height, width)):
        old = pixels.shape[axis]
        at = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        share = (at - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        above = np.take(pixels, np.minimum(low + 1, old - 1), axis)
        pixels = np.take(pixels, low, axis) * (1 - share) + above * share
    return np.rint(pixels)


def target_size(rule: dict[str, Any], width: int, height: int) -> tuple[int, int]:
    """Return the width and height to resize an image to."""
    a, b, kind = rule['width'], rule['height'], rule['resize']
    if kind == 'exact':
        return int(a), int(b)
    short, long = sorted((width, height))
    if kind == 'short_edge':
        return int(a * width / short), int(a * height / short)
    if kind == 'fit':  # in either orientation
        a = min(max(a, b) / long, min(a, b) / short)
    factor = 1.0 if kind == 'none' else a
    return int(width * factor + 0.5), int(height * factor + 0.5)


def prepare(photo: Any, about: dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """Return inputs, the size without padding, and by how much sides were resized."""
    rule = about['preparation']
    width, height = target_size(rule, *photo.size)
    pixels = np.asarray(photo.convert('RGB')).astype(np.float64)
    if (width, height) != photo.size:
        pixels = resize(pixels, width, height)
    if cut := rule['crop']:
        top, left = (max(0, (side - cut) // 2) for side in pixels.shape[:2])
        pixels = pixels[top : top + cut, left : left + cut]
    order = 1 if rule['channels'] == 'RGB' else -1
    pixels = (pixels[..., ::order] - rule['mean']) / rule['std']
    size = pixels.shape[:2]
    below, right = (-side % rule['pad_multiple'] for side in size)
    pixels = np.pad(pixels, ((0, below), (0, right), (0, 0)))
    inputs: dict[str, Any] = {'images': np.float32(pixels.transpose(2, 0, 1)[None])}
    if 'sizes' in about['inputs']:
        inputs['sizes'] = np.array([size], np.int64)
    return inputs, size, (width / photo.width, height / photo.height)


def understand(outputs: Any, photo: Any, back: Any, about: Any) -> tuple[Any, Any]:
    """Return what was found, for JSON, and a picture of it."""
    size, factors = back
    names, thresholds = about['classes'], about['thresholds']
    if about['task'] == 'classification':
        scores = outputs['scores'][0]
        return {names[i]: float(scores[i]) for i in np.argsort(-scores)[:5]}, photo
    if about['task'] == 'semantic':
        labels = outputs['logits'][0, :, : size[0], : size[1]].argmax(0)
        mask = Image.fromarray(labels.astype(np.uint8)).resize(photo.size, 0)
        counts = np.bincount(np.asarray(mask).ravel(), minlength=len(names))
        return dict(zip(names, (counts / counts.sum()).round(4).tolist())), mask
    picture, objects = photo.convert('RGB'), []
    draw = ImageDraw.Draw(picture)
    for i, score in enumerate(outputs['scores'].tolist()):
        box = (outputs['boxes'][i] / (factors * 2)).round(1).tolist()
        name = names[int(outputs['labels'][i])]
        objects.append({'class': name, 'score': round(score, 4), 'box': box})
        if score < thresholds['shown']:
            continue
        if 'masks' in outputs:
            left, top, right, bottom = map(round, box)
            side = (max(1, right - left), max(1, bottom - top))
            part = Image.fromarray(outputs['masks'][i]).resize(side, 2)
            shade = (np.asarray(part) >= thresholds['mask']) * np.uint8(110)
            picture.paste((0, 158, 115), (left, top), Image.fromarray(shade))
        draw.rectangle(box, outline=(0, 114, 178), width=max(2, photo.width // 400))
        draw.text(box[:2], f'{name} {score:.2f}', fill=(0, 0, 0))
    return objects, picture


def main() -> int:
    """Predict the images that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('images', nargs='+', type=Path)
    parser.add_argument('--out', type=Path, default=Path('predictions'))
    args = parser.parse_args()
    about = json.loads((HERE / 'model.json').read_text(encoding='utf-8'))
    model, found, failed = load_model(about), {}, 0
    args.out.mkdir(parents=True, exist_ok=True)
    for given in args.images:
        inside = sorted(given.rglob('*')) if given.is_dir() else [given]
        for path in (p for p in inside if p == given or p.suffix.lower() in SUFFIXES):
            try:
                photo = ImageOps.exif_transpose(Image.open(path))
                inputs, *back = prepare(photo, about)
                words, picture = understand(model(inputs), photo, back, about)
            except Exception as error:  # of any kind: the others can be predicted
                print(f'{path}: {error}', file=sys.stderr)
                failed += 1
                continue
            found[str(path)] = words
            picture.save(args.out / f'{path.stem}.png')
    (args.out / 'predictions.json').write_text(json.dumps(found, indent=1))
    print(f'{len(found)} images predicted, {failed} failed: {args.out}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
