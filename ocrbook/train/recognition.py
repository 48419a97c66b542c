"""Recognisers: what goes in, what comes out, and their training."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import paddle
from paddle.nn import functional

from ocrbook import folders
from ocrbook.metrics import exact_match
from ocrbook.train import data
from ocrbook.train.export import card_of, export_recognizer
from ocrbook.train.loop import fit
from ocrbook.train.networks import TextRecognizer


def to_height(image: np.ndarray, height: int = 32, least: int = 160) -> np.ndarray:
    """Resize to a height, keeping proportions, uint8 BGR in and out.

    As in PaddleOCR the width is rounded up, or down where it exceeds the least width of the network's input.
    """
    ratio = image.shape[1] / image.shape[0]
    width = min(math.ceil(height * ratio), int(height * max(ratio, least / height)))
    return cv2.resize(image, (max(1, width), height))


def to_batch(images: Sequence[np.ndarray], least: int = 160) -> np.ndarray:
    """Images of one height as PaddleOCR feeds them: float32 (B, 3, H, W), -1 to 1, zeros to the right of the image.

    W is the widest image's width, or `least`.
    """
    width = max(least, *(image.shape[1] for image in images))
    batch = np.zeros((len(images), 3, images[0].shape[0], width), np.float32)
    for row, image in zip(batch, images, strict=True):
        row[..., : image.shape[1]] = image.transpose(2, 0, 1) / np.float32(127.5) - 1
    return batch


def jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A slightly different crop under slightly different light: detectors never cut the same way twice.

    Moves the edges by up to 10 % of the height, stretches by up to 12 %, changes brightness and contrast, and blurs
    one image in five. uint8 BGR in and out, same height.
    """
    height, width = image.shape[:2]
    stretch = rng.uniform(0.88, 1.12)
    left, right, top, bottom = rng.uniform(-0.1, 0.1, 4) * height
    squash = height / (height + top + bottom)
    new_width = max(8, round((width + left + right) * stretch))
    matrix = np.array([[stretch, rng.uniform(-0.06, 0.06), left * stretch], [0, squash, top * squash]])
    moved = cv2.warpAffine(image, matrix, (new_width, height), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.2:
        moved = cv2.GaussianBlur(moved, (3, 3), 0)
    return cv2.convertScaleAbs(moved, alpha=rng.uniform(0.8, 1.2), beta=rng.uniform(-15, 25))


def batches(
    images: Sequence[np.ndarray],
    targets: Sequence[Sequence[int]],
    *,
    size: int = 16,
    seed: int = 0,
    least: int = 160,
    augment: bool = True,
    guided: int = 0,
    pixels_per_step: int = 4,
) -> Callable[[int], tuple[np.ndarray, ...]]:
    """Batches of lines of similar width, for `loop.fit`.

    Returns
    -------
    function of the step: images (B, 3, H, W), targets int32 (B, L) filled up with zeros, lengths int64 (B,), and in
    the first `guided` steps also `even_alignment`, int64 (B, T).
    """
    widths = np.array([image.shape[1] for image in images])
    per_epoch = max(1, len(images) // size)

    def plan(epoch: int) -> list[np.ndarray]:
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(images))[: per_epoch * size]
        pools = [pool[np.argsort(widths[pool], kind="stable")] for pool in np.array_split(order, -(-per_epoch // 32))]
        rows = np.concatenate(pools)
        return [rows[i * size : (i + 1) * size] for i in rng.permutation(per_epoch)]

    known: dict[int, list[np.ndarray]] = {}

    def batch(step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        epoch = step // per_epoch
        if epoch not in known:
            known.clear()
            known[epoch] = plan(epoch)
        rows = known[epoch][step % per_epoch]
        rng = np.random.default_rng([seed, 1, step])
        chosen = [jitter(images[i], rng) if augment else images[i] for i in rows]
        lengths = np.array([len(targets[i]) for i in rows], np.int64)
        padded = np.zeros((len(rows), int(lengths.max())), np.int32)
        for row, i in zip(padded, rows, strict=True):
            row[: len(targets[i])] = targets[i]
        filled = to_batch(chosen, least)
        if step >= guided:
            return filled, padded, lengths
        steps = -(-filled.shape[3] // pixels_per_step)
        rows_of_steps = [
            even_alignment(targets[i], image.shape[1] / pixels_per_step, steps, image.shape[0] / pixels_per_step / 4)
            for i, image in zip(rows, chosen, strict=True)
        ]
        return filled, padded, lengths, np.stack(rows_of_steps)

    return batch


def even_alignment(target: Sequence[int], width: float, steps: int, margin: float = 0.0) -> np.ndarray:
    """Which class stands at each time step, if the characters share the width of the line evenly.

    Wrong in detail, and still enough to tell a network in its first steps what characters look like, long before CTC
    has found out where they are. `width` and `margin` (left and right, empty) are in time steps. int64 (steps,), with
    0, the blank, outside.
    """
    position = (np.arange(steps) + 0.5 - margin) / max(width - 2 * margin, 1e-6) * len(target)
    inside = (position >= 0) & (position < len(target))
    row = np.zeros(steps, np.int64)
    row[inside] = np.asarray(target, np.int64)[position[inside].astype(int)]
    return row


def ctc_loss(
    net: paddle.nn.Layer,
    images: paddle.Tensor,
    targets: paddle.Tensor,
    lengths: paddle.Tensor,
    alignment: paddle.Tensor | None = None,
) -> paddle.Tensor:
    """CTC loss (Graves et al., 2006) of a batch, summed over the time steps and averaged over the lines.

    With an alignment, 20 times the mean cross-entropy with it is added.
    """
    logits = net(images)
    steps = paddle.full([logits.shape[0]], logits.shape[1], dtype="int64")
    each = functional.ctc_loss(logits.transpose([1, 0, 2]), targets, steps, lengths, blank=0, reduction="none")
    if alignment is None:
        return each.mean()
    return each.mean() + 20 * functional.cross_entropy(logits.flatten(0, 1), alignment.flatten())


def encode(text: str, characters: Sequence[str]) -> list[int]:
    """Class numbers of a text: 1 for the first character of the dictionary, the space last, 0 is the blank."""
    classes = {character: index for index, character in enumerate([*characters, " "], 1)}
    return [classes[character] for character in text]


def decode(probabilities: np.ndarray, characters: Sequence[str]) -> str:
    """The greedy reading of (T, classes): the best class of each step, repeats joined, blanks dropped."""
    names = ["", *characters, " "]
    return "".join(names[index] for index, _ in itertools.groupby(probabilities.argmax(axis=1).tolist()))


def read(
    net: paddle.nn.Layer, images: Sequence[np.ndarray], characters: Sequence[str], least: int = 160, size: int = 32
) -> list[str]:
    """Texts of many line images (of the network's height), in their order."""
    order = sorted(range(len(images)), key=lambda index: images[index].shape[1])
    texts = [""] * len(images)
    net.eval()
    with paddle.no_grad():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            outputs = net(paddle.to_tensor(to_batch([images[i] for i in rows], least))).numpy()
            for index, output in zip(rows, outputs, strict=True):
                texts[index] = decode(output, characters)
    return texts


def train_recognizer(
    labels: data.Labels,
    out: str | Path,
    *,
    validation: data.Labels | None = None,
    characters: Sequence[str] | None = None,
    network: Callable[[int], paddle.nn.Layer] = TextRecognizer,
    steps: int = 2000,
    batch_size: int = 16,
    peak: float = 3e-3,
    least_width: int = 160,
    augment: bool = True,
    guided: int = 300,
    patience: int | None = None,
    every: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    r"""Train a small recogniser from scratch.

    Parameters
    ----------
    labels : path or list of paths
        PaddleOCR's or PPOCRLabel's lists, of lines or of pages; see `ocrbook.train.data`.
    out : path
        The model folder to make. While the training runs it holds `checkpoint.npz`; the same call goes on from there.
    validation : path or list of paths, optional
        Lines to choose the best weights by. Without it a tenth of the labels is held out.
    characters : sequence of str, optional
        The dictionary, without the space. Without it, the characters of the labels.
    network : function of the number of classes
        With the attributes `height` and `pixels_per_step`, as `TextRecognizer` has them.
    least_width : int
        Narrower images are filled up to this width, in pixels at the height of the network.
    augment : bool
        Jitter position, proportions and light of each line; see `jitter`.
    guided : int
        Steps at the beginning in which `even_alignment` helps CTC over its plateau; 0 for CTC alone.
    steps, batch_size, peak, patience, every, seed, progress
        As in `loop.fit`.

    Returns
    -------
    the folder. It holds inference.json, inference.pdiparams, inference.onnx, inference.yml and training.json; load it
    with `TextRecognition(model_name="PP-OCRv6_small_rec", model_dir=str(folder))`.

    Raises
    ------
    LabelError
        If anything is wrong with the labels; it lists file, row and reason.
    OSError
        If `out` can't be made there; before the training.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cv2
    >>> from ocrbook.render import render_line
    >>> from ocrbook.train import train_recognizer
    >>> rows = []
    >>> for text in ("1234", "5678", "9024"):
    ...     _ = cv2.imwrite(f"{text}.png", render_line(text)[0])
    ...     rows.append(f"{text}.png\t{text}\n")
    >>> _ = Path("list.txt").write_text("".join(rows), "utf-8")
    >>> folder = train_recognizer("list.txt", "model", steps=1, characters="0123456789", progress=False)
    >>> (folder / "inference.onnx").is_file()
    True
    """
    out = Path(out)
    folders.check(out)
    step_width, height = getattr(network, "pixels_per_step", 4), getattr(network, "height", 32)
    samples = data.read_lines(labels, characters, step_width, height)
    if characters is None:
        characters = sorted({character for sample in samples for character in sample.lines[0].text} - {" "})
    samples, held_out = data.hold_out(
        samples, validation, lambda lists: data.read_lines(lists, characters, step_width, height), seed
    )
    images = [to_height(sample.image, height, least_width) for sample in samples]
    targets = [encode(sample.lines[0].text, characters) for sample in samples]
    test_images = [to_height(sample.image, height, least_width) for sample in held_out]
    test_texts = [sample.lines[0].text for sample in held_out]

    paddle.seed(seed)
    net = network(len(characters) + 2)
    settings = {"steps": steps, "batch_size": batch_size, "peak": peak, "seed": seed}
    settings |= {"augment": augment, "guided": guided, "least_width": least_width}
    history = fit(
        net,
        batches(
            images,
            targets,
            size=min(batch_size, len(images)),
            seed=seed,
            least=least_width,
            augment=augment,
            guided=guided,
            pixels_per_step=step_width,
        ),
        ctc_loss,
        steps=steps,
        evaluate=lambda trained: exact_match(test_texts, read(trained, test_images, characters, least_width)),
        every=every,
        patience=patience,
        peak=peak,
        seed=seed,
        checkpoint=out / "checkpoint.npz",
        purpose=_purpose(settings, characters, images, targets),
        description="recogniser",
        progress=progress,
    )
    card = card_of(history, settings | {"lines": len(samples), "held_out": len(held_out)})
    return export_recognizer(net, out, characters, image_shape=(3, height, least_width), card=card)


def _purpose(settings: dict, characters: Sequence[str], images: Sequence[np.ndarray], targets) -> str:
    digest = hashlib.sha256(repr((sorted(settings.items()), list(characters), targets)).encode())
    for image in images:
        digest.update(image.tobytes())
    return digest.hexdigest()
