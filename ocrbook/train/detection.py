"""Detectors: the maps that DB learns, its loss, and its training (Liao et al., Real-time Scene Text Detection with
Differentiable Binarization, 2020)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import paddle
from shapely.geometry import Polygon

from ocrbook import folders, metrics
from ocrbook.labels.ppocrlabel import IGNORED
from ocrbook.page import Page, TextLine
from ocrbook.train import data
from ocrbook.train.export import BOX_THRESHOLD, MEAN, STD, THRESHOLD, UNCLIP_RATIO, card_of, export_detector
from ocrbook.train.loop import fit
from ocrbook.train.networks import TextDetector

SHRINK = 0.4
"""How much of a line's area stays when it is shrunk: DB's ratio r."""

LOW, HIGH = 0.3, 0.7
"""The threshold map goes from LOW, away from any border, to HIGH, on it."""


def offset(points: np.ndarray, distance: float) -> np.ndarray | None:
    """Move the sides of a polygon outwards (distance > 0) or inwards; None where nothing is left. Points (N, 2)."""
    moved = Polygon(points).buffer(distance)
    if moved.geom_type == "MultiPolygon":
        moved = max(moved.geoms, key=lambda part: part.area)
    return None if moved.is_empty else np.array(moved.exterior.coords)[:-1]


def shrink_distance(points: np.ndarray, ratio: float = SHRINK) -> float:
    """Area / perimeter * (1 - ratio^2), in pixels: how far DB moves the sides."""
    polygon = Polygon(points)
    return polygon.area / max(polygon.length, 1e-6) * (1 - ratio**2)


def maps(page: Page, shape: tuple[int, int]) -> np.ndarray:
    """What a DB network should answer for a page.

    Parameters
    ----------
    page : Page
        Lines whose text is one of `IGNORED` of ocrbook.labels count neither as text nor as background.
    shape : (height, width)

    Returns
    -------
    uint8 (3, H, W): 255 inside shrunk lines, else 0; the threshold times 255; and where the first one counts, 1, or 0
    on ignored lines and on the rim between a shrunk line and its outline.
    """
    shrunk = np.zeros(shape, np.uint8)
    nearness = np.zeros(shape, np.float32)
    counted = np.ones(shape, np.uint8)
    for line in page.lines:
        whole = np.rint(line.points).astype(np.int32)
        if line.text in IGNORED:
            cv2.fillPoly(counted, [whole], 0)
            continue
        distance = shrink_distance(line.points)
        inner, outer = offset(line.points, -distance), offset(line.points, distance)
        if inner is None or outer is None:
            cv2.fillPoly(counted, [whole], 0)
            continue
        cv2.fillPoly(shrunk, [np.rint(inner).astype(np.int32)], 255)
        x, y, w, h = cv2.boundingRect(np.rint(outer).astype(np.int32))
        left, top, right, bottom = max(x, 0), max(y, 0), min(x + w, shape[1]), min(y + h, shape[0])
        if right <= left or bottom <= top:
            continue
        away = np.full((h, w), 255, np.uint8)
        cv2.polylines(away, [whole - [x, y]], True, 0, 1)
        near = np.clip(1 - cv2.distanceTransform(away, cv2.DIST_L2, 5) / max(distance, 1e-6), 0, 1)
        window = near[top - y : bottom - y, left - x : right - x]
        np.maximum(nearness[top:bottom, left:right], window, out=nearness[top:bottom, left:right])
    threshold = np.rint(255 * (LOW + (HIGH - LOW) * nearness)).astype(np.uint8)
    return np.stack([shrunk, threshold, counted])


def normalize(images: np.ndarray) -> np.ndarray:
    """uint8 (B, H, W, 3) BGR to what the network takes: float32 (B, 3, H, W)."""
    scaled = (images.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def fit_into(image: np.ndarray, page: Page, side: int) -> tuple[np.ndarray, Page]:
    """Resize so that the longer side has `side` pixels, and fill up to a square with black; the page moves along."""
    scale = side / max(image.shape[:2])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    square = np.zeros((side, side, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(image, size)
    lines = [TextLine(line.points * scale, line.text, line.score) for line in page.lines]
    return square, Page(page.image, lines)


def db_loss(net: paddle.nn.Layer, images: paddle.Tensor, targets: paddle.Tensor) -> paddle.Tensor:
    """DB's loss: 5 x cross-entropy of the probability, with three times as many hard background pixels as text
    pixels, + 10 x L1 of the threshold near the borders + Dice of the approximate binary map.

    `targets` is float32 (B, 3, H, W): the three maps of `maps`, between 0 and 1.
    """
    outputs = net(images)
    probability, threshold = outputs[:, 0], outputs[:, 1]
    text, wanted, counted = targets[:, 0], targets[:, 1], targets[:, 2]
    near = (wanted > LOW + 0.01).astype("float32")

    entropy = paddle.nn.functional.binary_cross_entropy(probability, text, reduction="none") * counted
    positive = text * counted
    hard = entropy * (1 - text)
    wanted_negatives = min(int(3 * float(positive.sum())) + 1, hard.size)
    negatives = paddle.topk(hard.flatten(), wanted_negatives)[0]
    cross_entropy = ((entropy * positive).sum() + negatives.sum()) / (positive.sum() + wanted_negatives + 1e-6)

    border = ((threshold - wanted).abs() * near).sum() / (near.sum() + 1e-6)
    binary = paddle.nn.functional.sigmoid(50 * (probability - threshold))
    overlap = (binary * text * counted).sum()
    dice = 1 - 2 * overlap / ((binary * counted).sum() + (text * counted).sum() + 1e-6)
    return 5 * cross_entropy + 10 * border + dice


def batches(
    images: np.ndarray, targets: np.ndarray, *, size: int = 8, seed: int = 0
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Batches for `loop.fit`: pages turned upside down or mirrored at random, with brightness and contrast changed.

    `images` are uint8 (N, H, W, 3), `targets` uint8 (N, 3, H, W) from `maps`.
    """
    per_epoch = max(1, len(images) // size)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng([seed, step // per_epoch]).permutation(len(images))
        start = step % per_epoch * size
        rows = order[start : start + size]
        rng = np.random.default_rng([seed, 1, step])
        chosen, wanted = images[rows], targets[rows].astype(np.float32)
        wanted[:, :2] /= 255
        if rng.random() < 0.5:
            chosen, wanted = chosen[:, ::-1], wanted[:, :, ::-1]
        if rng.random() < 0.5:
            chosen, wanted = chosen[:, :, ::-1], wanted[:, :, :, ::-1]
        lighter = chosen * rng.uniform(0.75, 1.25, (len(rows), 1, 1, 1)) + rng.uniform(-25, 25, (len(rows), 1, 1, 1))
        return normalize(np.clip(lighter, 0, 255)), np.ascontiguousarray(wanted)

    return batch


def find(net: paddle.nn.Layer, images: np.ndarray, size: int = 8) -> list[Page]:
    """The lines of uint8 images (N, H, W, 3), with PaddleX's own post-processing."""
    from paddlex.inference.models.text_detection.processors import DBPostProcess

    process = DBPostProcess(thresh=THRESHOLD, box_thresh=BOX_THRESHOLD, unclip_ratio=UNCLIP_RATIO)
    net.eval()
    pages = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        with paddle.no_grad():
            found = net(paddle.to_tensor(normalize(part))).numpy()
        height, width = part.shape[1:3]
        for answer in found:
            polygons, scores = process([[answer]], [(height, width, 1.0, 1.0)])
            rows = zip(polygons[0], scores[0], strict=True)
            pages.append(Page(lines=[TextLine(points, "", score) for points, score in rows]))
    return pages


def hmean(truths: Sequence[Page], found: Sequence[Page]) -> float:
    """Harmonic mean of precision and recall over all pages, at an IoU of 0.5; ignored lines count neither way."""
    scores = [
        metrics.detection(truth, page, ignore=[index for index, line in enumerate(truth.lines) if line.text in IGNORED])
        for truth, page in zip(truths, found, strict=True)
    ]
    return sum(scores, metrics.Score()).hmean


def train_detector(
    labels: data.Labels,
    out: str | Path,
    *,
    validation: data.Labels | None = None,
    side: int = 256,
    network: Callable[[], paddle.nn.Layer] = TextDetector,
    steps: int = 600,
    batch_size: int = 8,
    peak: float = 5e-3,
    patience: int | None = None,
    every: int = 100,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    """Train a small detector from scratch.

    Parameters
    ----------
    labels : path or list of paths
        PaddleOCR's lists for detection, or PPOCRLabel's Label.txt. Lines whose text is "###" or "*" are ignored.
    out : path
        The model folder to make. While the training runs it holds `checkpoint.npz`; the same call goes on from there.
    validation : path or list of paths, optional
        Pages to choose the best weights by. Without it a tenth of the labels is held out.
    side : int
        Pages are resized so that their longer side has so many pixels; a multiple of 32. Capitals should be 8 pixels
        high or more then.
    network : function without arguments
    steps, batch_size, peak, patience, every, seed, progress
        As in `loop.fit`.

    Returns
    -------
    the folder; load it with `TextDetection(model_name="PP-OCRv6_small_det", model_dir=str(folder))`.

    Raises
    ------
    LabelError
        If anything is wrong with the labels; it lists file, row and reason.
    OSError
        If `out` can't be made there; before the training.
    ValueError
        If `side` is not a multiple of 32.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cv2
    >>> from ocrbook.labels import write_folder
    >>> from ocrbook.page import Page
    >>> from ocrbook.render import render_package
    >>> from ocrbook.train import train_detector
    >>> Path("photos").mkdir()
    >>> pages = []
    >>> for seed in range(3):
    ...     image, page = render_package(seed, shape=(128, 128))
    ...     pages.append(Page(f"photos/{seed}.png", page.lines))
    ...     _ = cv2.imwrite(pages[-1].image, image)
    >>> write_folder("photos", pages)
    >>> folder = train_detector("photos/Label.txt", "model", side=64, steps=1, batch_size=2, progress=False)
    >>> (folder / "inference.onnx").is_file()
    True
    """
    if side % 32:
        raise ValueError(f"side must be a multiple of 32, got {side}")
    out = Path(out)
    folders.check(out)
    pages, held_out = (
        [fit_into(sample.image, Page(lines=sample.lines), side) for sample in samples]
        for samples in data.hold_out(data.read_pages(labels), validation, data.read_pages, seed)
    )
    images = np.stack([image for image, _ in pages])
    targets = np.stack([maps(page, (side, side)) for _, page in pages])
    test_images, truths = np.stack([image for image, _ in held_out]), [page for _, page in held_out]

    paddle.seed(seed)
    net = network()
    settings = {"steps": steps, "batch_size": batch_size, "peak": peak, "seed": seed, "side": side}
    digest = hashlib.sha256(repr(sorted(settings.items())).encode() + images.tobytes() + targets.tobytes())
    history = fit(
        net,
        batches(images, targets, size=min(batch_size, len(images)), seed=seed),
        db_loss,
        steps=steps,
        evaluate=lambda trained: hmean(truths, find(trained, test_images)),
        every=every,
        patience=patience,
        peak=peak,
        seed=seed,
        checkpoint=out / "checkpoint.npz",
        purpose=digest.hexdigest(),
        description="detector",
        progress=progress,
    )
    card = card_of(history, settings | {"pages": len(pages), "held_out": len(held_out)})
    return export_detector(net, out, side=side, card=card)
