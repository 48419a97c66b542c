"""How the network of `ocrbook.meters.lines` was trained: PP-OCRv6, all of its layers, on drawn windows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import paddle

from ocrbook.ctc import best_text
from ocrbook.delta import with_classes, write_delta
from ocrbook.meters.lines import DIGITS, HEIGHT, fit_line
from ocrbook.meters.training import random_window
from ocrbook.models import model_folder
from ocrbook.render.meters import Face, draw_strip
from ocrbook.train.finetune import load_base
from ocrbook.train.graph import GraphLayer
from ocrbook.train.loop import History, fit
from ocrbook.train.recognition import ctc_loss

KINDS = {"strip": 0.65, "lcd": 0.1, "drum": 0.25}
"""What is drawn, and how often."""

STEPS, SIZE, PEAK = 560, 16, 4e-5
"""Batches, lines in each, and the highest learning rate; ten times as much destroys what the network knows."""

TOGETHER = 8
"""Batches that are drawn at once, so that lines of a batch are alike in width."""

LONGEST = 400
"""Pixels of a line in training."""


def draw_line(rng: np.random.Generator, faces: Sequence[Face]) -> tuple[np.ndarray, list[int]]:
    """A drawn window as the network is given it, and its classes; see `lines.fit_line`."""
    while True:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
        if kind == "strip":
            image, text = draw_strip(rng)
        else:
            window = random_window(kind, faces, rng, plate=True)
            image, text = window.image, window.text
        squeeze = rng.uniform(0.55, 1.0) * min(1.0, LONGEST * image.shape[0] / (HEIGHT * image.shape[1]))
        line = fit_line(image, squeeze)
        if text and line.shape[2] >= 8 * (2 * len(text) + 1):  # a step of eight pixels for each digit, and each gap
            return line, [1 + int(digit) for digit in text]


def batches(faces: Sequence[Face], seed: int) -> Callable[[int], tuple[np.ndarray, ...]]:
    """A function of the step: lines (B, 3, 48, W), classes int32 (B, L) filled up with zeros, lengths int64 (B,)."""

    @lru_cache(maxsize=2)
    def drawn(number: int) -> list[list[tuple[np.ndarray, list[int]]]]:
        rng = np.random.default_rng([seed, number])
        lines = sorted((draw_line(rng, faces) for _ in range(TOGETHER * SIZE)), key=lambda line: line[0].shape[2])
        return [lines[place * SIZE : (place + 1) * SIZE] for place in rng.permutation(TOGETHER)]

    def batch(step: int) -> tuple[np.ndarray, ...]:
        lines = drawn(step // TOGETHER)[step % TOGETHER]
        images = np.zeros((SIZE, 3, HEIGHT, max(line.shape[2] for line, _ in lines)), np.float32)
        lengths = np.array([len(classes) for _, classes in lines], np.int64)
        targets = np.zeros((SIZE, int(lengths.max())), np.int32)
        for row, (line, classes) in enumerate(lines):
            images[row, :, :, : line.shape[2]] = line
            targets[row, : len(classes)] = classes
        rng = np.random.default_rng([seed, 1, step])
        if rng.random() < 0.5:  # another backlight
            images = np.ascontiguousarray(images[:, rng.permutation(3)])
        return images, targets, lengths

    return batch


def tune(faces: Sequence[Face], path: Path, checkpoint: Path, *, steps: int = STEPS, seed: int = 0) -> History:
    """Train, and write the difference to the official weights."""
    base = load_base()
    head = {"weight": base.weight, "bias": base.bias, "classes": [0, *(1 + base.characters.index(d) for d in DIGITS)]}
    before = with_classes(base.graph, **head)
    net = GraphLayer(before, next(node.output[0] for node in base.graph.graph.node if base.bias in node.input))
    held = [draw_line(np.random.default_rng([seed, 2, number]), faces) for number in range(200)]

    def right(trained: paddle.nn.Layer) -> float:
        hits = 0
        with paddle.no_grad():
            for line, classes in held:
                steps = paddle.nn.functional.log_softmax(trained(paddle.to_tensor(line[None])), axis=-1)
                hits += best_text(steps[0].numpy(), DIGITS)[0] == "".join(str(each - 1) for each in classes)
        return hits / len(held)

    history = fit(
        net, batches(faces, seed), ctc_loss, steps=steps, evaluate=right, every=60, peak=PEAK, warm_up=20, seed=seed,
        checkpoint=checkpoint, purpose=json.dumps([steps, SIZE, PEAK, KINDS]), description="training lines",
    )  # fmt: skip
    after = type(before)()
    after.CopyFrom(before)
    net.write_into(after)
    write_delta(path, (model_folder("text_recognition") / "inference.onnx").read_bytes(), before, after, head)
    return history
