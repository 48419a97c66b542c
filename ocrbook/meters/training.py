"""How the networks of this room were trained: drawn data, targets, losses, and one recipe for each.

`make weights` follows the recipes; chapters follow smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import paddle
from paddle.nn import functional

from ocrbook.meters.cuts import cut_out
from ocrbook.meters.inputs import (
    DIAL_SIZE,
    DIGIT_SIZE,
    PHOTO_SIZE,
    WINDOW_HEIGHT,
    fit_photo,
    fit_window,
    normalized,
)
from ocrbook.meters.networks import DialNet, DigitNet, PositionNet, WindowNet
from ocrbook.render.meters import (
    Face,
    Window,
    display_style,
    draw_dial,
    draw_display,
    draw_drums,
    drum_positions,
    render_photo,
    seen,
    seen_dial,
)

CANVAS = 320
"""Pixels of a window's width in training; a reader takes any."""

Arrays = tuple[np.ndarray, ...]


# -- drawing


def random_window(kind: str, faces: Sequence[Face], rng: np.random.Generator, *, plate: bool = False) -> Window:
    """A window cut out of a photograph, in a style that training may see; with a plate, sometimes with print around."""
    if kind == "drum":
        count = int(rng.integers(3, 9))
        if rng.random() < 0.35:  # no counter stands like this, but each drum is a sample
            positions = rng.uniform(0, 10, count)
            drawn = draw_drums(positions, positions.astype(int).tolist(), faces, rng)
        else:
            drawn = draw_drums(*drum_positions(count, rng), faces, rng)
        return seen(_on_plate(drawn, rng) if plate else drawn, rng)
    digits = rng.integers(0, 10, int(rng.integers(3, 9)))
    if rng.random() < 0.4:
        digits[: int(rng.integers(1, len(digits)))] = -1
    drawn = draw_display(digits.tolist(), display_style(rng), rng)
    return seen(_on_plate(drawn, rng) if plate else drawn, rng)


def _on_plate(window: Window, rng: np.random.Generator) -> Window:
    """The window as it is before a photograph, often with a part of the plate and its print around it."""
    if rng.random() < 0.4:
        return window
    height, width = window.image.shape[:2]
    left, top, right, bottom = (int(side) for side in rng.uniform(0, 0.5, 4) * height)
    paint = rng.uniform(20, 245) + rng.uniform(-15, 15, 3)
    ink = (paint + 128 + rng.uniform(-40, 40)) % 256
    image = np.empty((height + top + bottom, width + left + right, 3), np.float32)
    image[:] = paint
    for _ in range(int(rng.integers(0, 4))):
        text = "".join(rng.choice(list("0123456789kWhNo.m3ABCE-/"), int(rng.integers(2, 12))))
        x, y = int(rng.uniform(-20, image.shape[1])), int(rng.choice([rng.uniform(0, top), image.shape[0] - 2]))
        cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.3, 0.9), ink.tolist(), 1, cv2.LINE_AA)
    image[top : top + height, left : left + width] = window.image
    return window.moved(np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], float), image)


def cut(
    image: np.ndarray, box: np.ndarray, rng: np.random.Generator, wide=(0.9, 1.6), tall=(0.8, 1.75), off: float = 0.035
) -> np.ndarray:
    """One position of a window, as carelessly as people and detectors cut: uint8 (48, 32, 3).

    Parameters
    ----------
    box : (4, 2)
        Corners of the position.
    wide, tall : (low, high)
        How many times as wide and as high as the box.
    off : float
        How far the middle may be off, up or down, in heights; a drum's middle decides its tenths.
    """
    height, width = DIGIT_SIZE
    (x, y), (w, h) = (box.max(0) + box.min(0)) / 2, np.ptp(box, axis=0)
    x, y = x + rng.normal(0, 0.07) * w, y + rng.normal(0, off) * h
    w, h = w * rng.uniform(*wide), h * rng.uniform(*tall)
    sx, sy = w / width, h / height
    if max(sx, sy) > 1.6:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * max(sx, sy))
    matrix = np.float32([[sx, 0, x - w / 2 + sx / 2 - 0.5], [0, sy, y - h / 2 + sy / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def draw_digits(kind: str, count: int, seed: int, faces: Sequence[Face] = ()) -> Arrays:
    """`count` positions: uint8 (count, 48, 32, 3), and float32 (count,): tenths of drums, digits of displays or -1.

    With displays, places beside the digits are among them, where units stand and signs: they show no digit.
    """
    rng = np.random.default_rng([kind == "lcd", seed])
    loose = {} if kind == "drum" else {"wide": (0.85, 1.9), "tall": (0.85, 2.0), "off": 0.07}
    images, values = [], []
    while len(images) < count:
        window = random_window(kind, faces, rng)
        for value, box in zip(window.positions, window.boxes, strict=True):
            if value >= 0 or rng.random() < 0.6:
                images.append(cut(window.image, box, rng, **loose))
                values.append(value)
        if kind == "lcd" and (box := _beside(window, rng)) is not None:
            images.append(cut(window.image, box, rng, **loose))
            values.append(-1)
    return np.stack(images[:count]), np.array(values[:count], np.float32)


def _beside(window: Window, rng: np.random.Generator) -> np.ndarray | None:
    """A box beside the last position, or the first, where there is room for its middle; sometimes."""
    last, next_to_it = ((-1, -2), (-1, -2), (0, 1))[rng.integers(3)]
    box = window.boxes[last] + rng.uniform(0.75, 1.5) * (window.boxes[last] - window.boxes[next_to_it])
    inside = 0 < box[:, 0].mean() < window.image.shape[1]
    return box if inside and rng.random() < 0.6 else None


def draw_windows(count: int, seed: int, faces: Sequence[Face]) -> Arrays:
    """Windows: uint8 (count, 48, CANVAS, 3), heights and widths (count, 2), boxes as x, y, w, h (count, 8, 4), and
    whether they are displays (count,).

    Half of them are cut out of photographs of whole meters, as roughly as a detector does. Outside a window and after
    the last box there are zeros.
    """
    rng = np.random.default_rng([2, seed])
    images = np.zeros((count, WINDOW_HEIGHT, CANVAS, 3), np.uint8)
    sizes, boxes = np.zeros((count, 2), np.int32), np.zeros((count, 8, 4), np.float32)
    displays = np.zeros(count, bool)
    from_photos = _windows_of_photos(100_000_000 + 100_000 * seed, faces, rng)
    for number in range(count):
        if number % 4 > 1:
            window = next(from_photos)
        else:
            window = random_window("drum" if number % 4 else "lcd", faces, rng, plate=True)
        image, scale = fit_window(window.image, CANVAS)
        images[number, : image.shape[0], : image.shape[1]] = image
        sizes[number], displays[number] = image.shape[:2], window.kind == "lcd"
        shown = window.boxes[window.positions >= 0] * scale
        low, high = shown.min(axis=1), shown.max(axis=1)
        middles = (low + high) / 2
        inside = (middles[:, 0] > 0) & (middles[:, 0] < image.shape[1])
        boxes[number, : inside.sum()] = np.concatenate([middles, high - low], axis=1)[inside]
    return images, sizes, boxes, displays


def _windows_of_photos(seed: int, faces: Sequence[Face], rng: np.random.Generator) -> Iterator[Window]:
    """Windows cut out of photographs with these seeds and up, three times each, with more and less around them."""
    while True:
        for window in render_photo(seed, faces=faces).windows:
            tall = np.linalg.norm(window.quad[3] - window.quad[0])
            for _ in range(3):
                rough = window.quad + rng.normal(0, 1, (4, 2)) * tall * [0.2, 0.09]
                image, corners = cut_out(window.image, rough, (rng.uniform(0, 1.1), rng.uniform(0.02, 0.4)))
                height, width = image.shape[:2]
                target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
                yield window.moved(cv2.getPerspectiveTransform(corners.astype(np.float32), target), image)
        seed += 1


def draw_dials(count: int, seed: int, faces: Sequence[Face] = ()) -> Arrays:
    """Dials: uint8 (count, 64, 64, 3), and the needle's turn, float32 (count,)."""
    rng = np.random.default_rng([3, seed])
    dials = [seen_dial(draw_dial(rng.random(), rng), rng) for _ in range(count)]
    images = [cv2.resize(dial.image, DIAL_SIZE[::-1], interpolation=cv2.INTER_AREA) for dial in dials]
    return np.stack(images), np.array([dial.turn for dial in dials], np.float32)


def draw_photos(count: int, seed: int, faces: Sequence[Face]) -> Arrays:
    """Photographs: uint8 (count, 320, 320, 3), corners (count, 2, 4, 2) of two windows, kinds (count, 2): 0, 1, -1.

    In two of three there are more printed numbers than on real meters: print is what looks most like a window.
    """
    images = np.zeros((count, *PHOTO_SIZE, 3), np.uint8)
    quads, kinds = np.zeros((count, 2, 4, 2), np.float32), np.full((count, 2), -1, np.int8)
    for number in range(count):
        photo = render_photo(100_000 * seed + number, faces=faces, numbers=number % 3 * 2)
        image, scale = fit_photo(photo.image)
        images[number, : image.shape[0], : image.shape[1]] = image
        for place, window in enumerate(photo.windows):
            quads[number, place] = window.quad * scale
            kinds[number, place] = window.kind == "lcd"
    return images, quads, kinds


# -- batches and losses


def _varied(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normalised images under other light, some as negatives; float32 (B, 3, H, W)."""
    size = (len(x), 1, 1, 1)
    x *= np.where(rng.random(size) < 0.12, -1, 1) * rng.uniform(0.7, 1.2, size)
    x += rng.normal(0, 0.15, size)
    x += rng.standard_normal(x.shape, np.float32) * rng.uniform(0, 0.15, size).astype(np.float32)
    if rng.random() < 0.2:
        x = x[:, rng.permutation(3)]
    return np.ascontiguousarray(x, np.float32)


def circular_target(values: np.ndarray, spread: float) -> np.ndarray:
    """Soft classes on a circle of 100: float32 (B, 100) around `values` in [0, 1), with a deviation of `spread`."""
    off = np.abs(values[:, None] - np.arange(100) / 100)
    target = np.exp(-0.5 * (np.minimum(off, 1 - off) / spread) ** 2)
    return (target / target.sum(axis=1, keepdims=True)).astype(np.float32)


def cross_entropy(net: paddle.nn.Layer, images: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """Of soft classes."""
    return -(target * functional.log_softmax(net(images), axis=1)).sum(axis=1).mean()


def digit_batch(images: np.ndarray, values: np.ndarray, rng: np.random.Generator, kind: str) -> Arrays:
    """Normalised crops, moved sideways by up to two pixels, and soft classes."""
    x = np.roll(_varied(normalized(images), rng), int(rng.integers(-2, 3)), axis=3)
    if kind == "drum":
        return x, circular_target(values / 10, 0.007)
    return x, (np.eye(11, dtype=np.float32)[values.astype(int)] * 0.98 + np.float32(0.02 / 11))


def dial_batch(images: np.ndarray, turns: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Dials turned by any angle, and mirrored: the place of the 0 says nothing about the angle of the needle."""
    turned, targets = np.empty_like(images), turns.copy()
    centre = (DIAL_SIZE[1] / 2 - 0.5, DIAL_SIZE[0] / 2 - 0.5)
    for number, image in enumerate(images):
        by = rng.random()
        matrix = cv2.getRotationMatrix2D(centre, -360 * by, 1)
        turned[number] = cv2.warpAffine(image, matrix, DIAL_SIZE[::-1], borderMode=cv2.BORDER_REPLICATE)
        targets[number] = (turns[number] + by) % 1
        if rng.random() < 0.5:
            turned[number], targets[number] = turned[number][:, ::-1], -targets[number] % 1
    return _varied(normalized(turned), rng), circular_target(targets, 0.008)


def _moved_window(
    image: np.ndarray, size: np.ndarray, boxes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, int, np.ndarray]:
    """A window, its width and boxes, stretched, moved up or down and tilted; what is not seen repeats the edge."""
    height, width = size
    across, down = min(np.exp(rng.uniform(-0.25, 0.25)), image.shape[1] / width), np.exp(rng.uniform(-0.12, 0.12))
    tilt, off = rng.normal(0, 0.012), rng.uniform(-0.08, 0.08) * height
    across = max(1, round(across * width)) / width
    to = np.array([[across, 0, 0], [tilt * across, down, off + (1 - down) * height / 2 - tilt * across * width / 2]])
    moved = boxes.copy()
    moved[:, :2] = boxes[:, :2] @ to[:, :2].T + to[:, 2]
    moved[:, 2:] *= [across, down]
    canvas, wide = np.zeros_like(image), round(across * width)
    canvas[:height, :wide] = cv2.warpAffine(
        image[:height, :width], to, (wide, int(height)), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return canvas, wide, moved * (boxes[:, 2:3] > 0)


def window_batch(
    images: np.ndarray, sizes: np.ndarray, boxes: np.ndarray, displays: np.ndarray, rng: np.random.Generator
) -> Arrays:
    """Windows, moved, zero outside; and the map of `PositionNet`, with its weights for the shape and the kind."""
    moved = [_moved_window(*each, rng) for each in zip(images, sizes, boxes, strict=True)]
    images, widths, boxes = (np.stack(each) for each in zip(*moved, strict=True))
    count, columns = len(images), images.shape[2] // 4
    x, inside = np.zeros((2, count, 3, *images.shape[1:3]), np.float32)
    for number, (height, width) in enumerate(zip(sizes[:, 0], widths, strict=True)):
        x[number, :, :height, :width] = normalized(images[number : number + 1, :height, :width])[0]
        inside[number, :, :height, :width] = 1
    x = _varied(x, rng) * inside
    target = np.zeros((count, 6, columns), np.float32)
    target[displays, 4] = 1
    middles = np.arange(columns) * 4 + 2
    for number in range(count):
        for cx, cy, w, h in boxes[number]:
            if w <= 0:
                continue
            near = np.exp(-0.5 * ((middles - cx) / 3.2) ** 2)
            target[number, 0] = np.maximum(target[number, 0], near)
            close = np.abs(middles - cx) < 5
            shape = np.log(w / WINDOW_HEIGHT), np.log(h / WINDOW_HEIGHT), (cy - WINDOW_HEIGHT / 2) / WINDOW_HEIGHT
            target[number, 1:4, close] = shape
            target[number, 5, close] = 1
    return x, target


def window_loss(net: paddle.nn.Layer, images: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """Cross-entropy of middles, weighted to where the net is wrong (Lin et al., 2017), and of kinds; L1 of shapes."""
    out = net(images)
    heat, wanted = out[:, 0], target[:, 0]
    error = (functional.sigmoid(heat) - wanted).abs()
    middle = functional.binary_cross_entropy_with_logits(heat, wanted, reduction="none") * error**1.5
    weight = target[:, 5:]
    off = (out[:, 1:4] - target[:, 1:4]).abs().sum(axis=1, keepdim=True)
    level = (out[:, 3:4] - target[:, 3:4]).abs()  # counts three times: tenths are counted from it
    shape = ((off + 2 * level) * weight).sum() / (weight.sum() + 1)
    kind = functional.binary_cross_entropy_with_logits(out[:, 4:], target[:, 4:5], weight, "sum") / (weight.sum() + 1)
    return 4 * middle.sum() / (wanted.sum() + 1) + shape + 0.3 * kind


def _moved_photo(
    image: np.ndarray, quads: np.ndarray, kinds: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph and the corners of its windows, turned, enlarged and moved, as long as the windows stay inside."""
    side = np.array(image.shape[1::-1])
    for _ in range(4):
        matrix = cv2.getRotationMatrix2D((side / 2).tolist(), rng.normal(0, 5), np.exp(rng.uniform(-0.4, 0.4)))
        matrix[:, 2] += rng.uniform(-0.15, 0.15, 2) * side
        moved = quads @ matrix[:, :2].T + matrix[:, 2]
        shown = moved[kinds >= 0]
        if (shown > 2).all() and (shown < side - 3).all():
            border = int(rng.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE]))
            return cv2.warpAffine(image, matrix, side.tolist(), flags=cv2.INTER_LINEAR, borderMode=border), moved
    return image, quads


def photo_batch(images: np.ndarray, quads: np.ndarray, kinds: np.ndarray, rng: np.random.Generator) -> Arrays:
    """Photographs, and the map of `WindowNet`, with its weights for the corners."""
    used = images.any(axis=(0, 3))  # where all photographs of a batch lie, or all stand, not the whole canvas
    rows, columns = (-(-int(np.flatnonzero(used.any(axis=axis)).max() + 1) // 32) * 32 for axis in (1, 0))
    images = images[:, :rows, :columns]
    both = [_moved_photo(*each, rng) for each in zip(images, quads, kinds, strict=True)]
    images, quads = (np.stack(each) for each in zip(*both, strict=True))
    x = (images.astype(np.float32).transpose(0, 3, 1, 2) - 127.5) / 127.5
    x *= rng.uniform(0.7, 1.2, (len(x), 1, 1, 1)).astype(np.float32)
    x += rng.normal(0, 0.1, (len(x), 1, 1, 1)).astype(np.float32)
    if rng.random() < 0.2:
        x = np.ascontiguousarray(x[:, rng.permutation(3)])
    rows, columns = rows // 4, columns // 4
    target = np.zeros((len(x), 11, rows, columns), np.float32)
    grid = np.stack(np.meshgrid(np.arange(columns) * 4 + 1.5, np.arange(rows) * 4 + 1.5), axis=-1).astype(np.float32)
    for number, (both, which) in enumerate(zip(quads, kinds, strict=True)):
        for quad, kind in zip(both, which, strict=True):
            if kind < 0:
                continue
            middle = quad.mean(axis=0)
            height = np.linalg.norm(quad[3] - quad[0])
            width = np.linalg.norm(quad[1] - quad[0])
            shrink = np.array([max(0.55, 1 - 0.5 * height / width), 0.6])
            ways = np.stack([quad[1] - quad[0], quad[3] - quad[0]]) / 2
            ends = [
                middle + shrink[0] * a * ways[0] + shrink[1] * b * ways[1]
                for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
            ]
            inside = np.zeros((rows, columns), np.uint8)
            cv2.fillConvexPoly(inside, np.rint((np.array(ends) - 1.5) / 4 * 16).astype(np.int32), 1, cv2.LINE_8, 4)
            inside = inside.astype(bool)
            target[number, int(kind), inside] = 1
            target[number, 2:10, inside] = ((quad[None] - grid[inside][:, None]) / 64).reshape(-1, 8)
            target[number, 10, inside] = np.clip(16 / height, 0.5, 2) / max(1, inside.sum())
    return x, target


def photo_loss(net: paddle.nn.Layer, images: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """Focal cross-entropy of the windows (Lin et al., 2017), and L1 of the corners, smaller windows more exactly."""
    out = net(images)
    logits, wanted = out[:, :2], target[:, :2]
    error = (functional.sigmoid(logits) - wanted).abs()
    inside = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * error**1.5
    weight = target[:, 10:11]
    corners = ((out[:, 2:10] - target[:, 2:10]).abs() * weight).sum()
    return 10 * inside.sum() / (wanted.sum() + 1) + 2 * corners / (weight.sum() + 1e-6)


@dataclass(frozen=True)
class Recipe:
    """What it takes to train one network.

    Attributes
    ----------
    network : function that builds it
    draw : function of (count, seed, faces) that draws arrays, one row for each sample
    batch : function of (*arrays of a batch, rng) that makes what the loss is given
    loss : function of (net, *tensors)
    inputs : shape of one input, for the export; -1 where any size will do
    shards, per_shard : how many times how many samples are drawn
    steps, size, peak : of the training
    extent : function of the arrays that tells how large the sample in each row is, if they differ: a batch is of alike
    """

    network: Callable[[], paddle.nn.Layer]
    draw: Callable[..., Arrays]
    batch: Callable[..., Arrays]
    loss: Callable[..., paddle.Tensor]
    inputs: tuple[int, ...]
    shards: int
    per_shard: int
    steps: int
    size: int = 128
    peak: float = 3e-3
    extent: Callable[..., np.ndarray] | None = None


RECIPES = {
    "drum": Recipe(
        lambda: DigitNet(100),
        lambda count, seed, faces: draw_digits("drum", count, seed, faces),
        lambda images, values, rng: digit_batch(images, values, rng, "drum"),
        cross_entropy, (3, *DIGIT_SIZE), shards=30, per_shard=10_000, steps=12_000,
    ),
    "positions": Recipe(
        PositionNet, draw_windows, window_batch, window_loss, (3, WINDOW_HEIGHT, -1),
        shards=10, per_shard=3_000, steps=5_500, size=32, peak=3e-3,
    ),
    "windows": Recipe(
        WindowNet, draw_photos, photo_batch, photo_loss, (3, -1, -1),
        shards=7, per_shard=1_000, steps=7_000, size=8, peak=2e-3,
        extent=lambda images, quads, kinds: images[:, -1].any(axis=(1, 2)),  # those that stand
    ),
    "lcd": Recipe(
        lambda: DigitNet(11, width=20),
        lambda count, seed, faces: draw_digits("lcd", count, seed, faces),
        lambda images, values, rng: digit_batch(images, values, rng, "lcd"),
        cross_entropy, (3, *DIGIT_SIZE), shards=20, per_shard=10_000, steps=12_000,
    ),
    "dial": Recipe(
        DialNet, draw_dials, dial_batch, cross_entropy, (3, *DIAL_SIZE), shards=12, per_shard=4_000, steps=6_000,
    ),
}  # fmt: skip
"""The networks of `ocrbook.meters` by the name of their folder of weights, those that take longest first."""
