"""Predict images with the model in this folder.

Needs numpy, pillow, and the runtime that README.md names: PyTorch is not needed.

    python predict.py photo.jpg folder_of_photos --out predictions
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

HERE = Path(__file__).resolve().parent
MODEL = json.loads((HERE / 'model.json').read_text(encoding='utf-8'))
IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def load_model():
    """Return a function from inputs by name to outputs by name."""
    if MODEL['format'] == 'onnx':
        import onnxruntime

        session = onnxruntime.InferenceSession(
            HERE / 'model.onnx', providers=onnxruntime.get_available_providers()
        )
        run = lambda feeds: session.run(MODEL['outputs'], feeds)  # noqa: E731
    elif MODEL['format'] == 'openvino':
        import openvino

        hint = 'bf16' if MODEL['precision'] == 'bfloat16' else 'f32'
        model = openvino.Core().compile_model(
            HERE / 'model.xml', 'CPU', {'INFERENCE_PRECISION_HINT': hint}
        )
        run = lambda feeds: [*model(feeds).values()]  # noqa: E731
    else:
        import torch

        graph = torch.export.load(HERE / 'model.pt2').module()
        tensors = lambda feeds: map(torch.from_numpy, feeds.values())  # noqa: E731
        run = lambda feeds: [o.numpy() for o in _listed(graph(*tensors(feeds)))]  # noqa: E731
    return lambda feeds: dict(zip(MODEL['outputs'], run(feeds)))


def _listed(outputs):
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def resize(pixels, width, height):
    """Resize (H, W, C) bilinearly, without smoothing, as in training."""
    for axis, side in enumerate((height, width)):
        old = pixels.shape[axis]
        at = np.clip((np.arange(side) + 0.5) * old / side - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        share = (at - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        next_ = np.take(pixels, np.minimum(low + 1, old - 1), axis)
        pixels = np.take(pixels, low, axis) * (1 - share) + next_ * share
    return np.rint(pixels)


def target_size(rule, width, height):
    """Return the width and height to resize an image to."""
    a, b = rule['width'], rule['height']
    if rule['resize'] == 'exact':
        return int(a), int(b)
    if rule['resize'] == 'short_edge':
        short = min(width, height)
        return int(a * width / short), int(a * height / short)
    factor = {'none': 1.0, 'factor': a}.get(rule['resize'])
    if factor is None:  # fit, in either orientation
        long, short = max(width, height), min(width, height)
        factor = min(max(a, b) / long, min(a, b) / short)
    return int(width * factor + 0.5), int(height * factor + 0.5)


def prepare(photo):
    """Return the inputs of the model, and what leads back to the photograph."""
    rule = MODEL['preparation']
    width, height = target_size(rule, *photo.size)
    pixels = np.asarray(photo.convert('RGB')).astype(np.float32)
    if (width, height) != photo.size:
        pixels = resize(pixels, width, height)
    if rule['crop']:
        top, left = ((side - rule['crop']) // 2 for side in pixels.shape[:2])
        top, left = max(0, top), max(0, left)
        pixels = pixels[top : top + rule['crop'], left : left + rule['crop']]
    if rule['channels'] == 'BGR':
        pixels = pixels[..., ::-1]
    pixels = (pixels - np.float32(rule['mean'])) / np.float32(rule['std'])
    size = pixels.shape[:2]
    below, right = (-side % rule['pad_multiple'] for side in size)
    pixels = np.pad(pixels, ((0, below), (0, right), (0, 0)))
    feeds = {'images': np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])}
    if 'sizes' in MODEL['inputs']:
        feeds['sizes'] = np.array([size], np.int64)
    factors = (width / photo.width, height / photo.height)
    return feeds, size, factors


def understand(outputs, photo, size, factors):
    """Turn outputs into words for JSON and a picture."""
    names = MODEL['classes']
    if MODEL['task'] == 'classification':
        scores = outputs['scores'][0]
        best = np.argsort(-scores)[:5]
        return {'classes': {names[i]: float(scores[i]) for i in best}}, photo
    if MODEL['task'] == 'semantic':
        labels = outputs['logits'][0, :, : size[0], : size[1]].argmax(0)
        mask = Image.fromarray(labels.astype(np.uint8)).resize(photo.size, 0)
        shares = np.bincount(np.asarray(mask).ravel(), minlength=len(names))
        shares = shares / (photo.width * photo.height)
        return {'shares': dict(zip(names, shares.round(4).tolist()))}, mask
    picture, objects = photo.convert('RGB'), []
    draw = ImageDraw.Draw(picture)
    for i, score in enumerate(outputs['scores']):
        box = (outputs['boxes'][i] / (factors * 2)).round(1).tolist()
        name = names[int(outputs['labels'][i])]
        objects.append({'class': name, 'score': round(float(score), 4), 'box': box})
        if score < MODEL['thresholds']['shown']:
            continue
        if 'masks' in outputs:
            left, top, right, bottom = (round(value) for value in box)
            part = Image.fromarray(outputs['masks'][i]).resize(
                (max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR
            )
            inside = np.asarray(part) >= MODEL['thresholds']['mask']
            shade = Image.fromarray((inside * 110).astype(np.uint8))
            picture.paste((0, 158, 115), (left, top), shade)
        draw.rectangle(box, outline=(0, 114, 178), width=max(2, photo.width // 400))
        draw.text(box[:2], f'{name} {score:.2f}', fill=(0, 0, 0))
    return {'objects': objects}, picture


def main():
    """Predict the images that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('images', nargs='+', type=Path)
    parser.add_argument('--out', type=Path, default=Path('predictions'))
    args = parser.parse_args()
    paths = [
        p
        for path in args.images
        for p in (sorted(path.rglob('*')) if path.is_dir() else [path])
    ]
    paths = [
        path for path in paths if path in args.images or path.suffix.lower() in IMAGES
    ]
    model, found, failed = load_model(), {}, 0
    args.out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            photo = ImageOps.exif_transpose(Image.open(path))
            feeds, size, factors = prepare(photo)
            found[str(path)], picture = understand(model(feeds), photo, size, factors)
        except (OSError, ValueError) as error:
            print(f'{path}: {error}', file=sys.stderr)
            failed += 1
            continue
        picture.save(args.out / f'{path.stem}.png')
    (args.out / 'predictions.json').write_text(json.dumps(found, indent=1))
    print(f'{len(found)} images predicted, {failed} failed: {args.out}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
