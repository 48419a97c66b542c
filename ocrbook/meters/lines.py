"""A window as a line of text: PP-OCRv6, fine-tuned on drawn windows, answers with digits and nothing else."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import onnxruntime

from ocrbook.ctc import best_text
from ocrbook.delta import apply_delta
from ocrbook.meters.models import FOLDER, session_of
from ocrbook.models import model_folder

HEIGHT, NARROWEST, WIDEST = 48, 160, 800
"""Pixels of a line; a narrower one is filled up with gray, a wider one pressed together."""

SQUEEZES = (0.55, 0.75)
"""How wide a line is shown, as shares of its width: digits of displays are wider than those of print."""

DIGITS = "0123456789"


@cache
def _network() -> onnxruntime.InferenceSession:
    graph = apply_delta(model_folder("text_recognition") / "inference.onnx", FOLDER / "lines" / "delta.npz")
    return session_of(graph.SerializeToString())


def fit_line(image: np.ndarray, squeeze: float) -> np.ndarray:
    """A window as the network is given it: uint8 (H, W, 3) to float32 (3, 48, W'), -1 to 1, filled up with zeros."""
    height, width = image.shape[:2]
    wide = int(np.clip(round(HEIGHT * width / height * squeeze), 16, WIDEST))
    resized = cv2.resize(image, (wide, HEIGHT), interpolation=cv2.INTER_AREA if height > HEIGHT else cv2.INTER_LINEAR)
    line = np.zeros((3, HEIGHT, max(wide, NARROWEST)), np.float32)
    line[:, :, :wide] = (resized.transpose(2, 0, 1) - np.float32(127.5)) / 127.5
    return line


def look(image: np.ndarray) -> list[np.ndarray]:
    """What the network makes of a window (uint8 (H, W, 3), BGR): logarithms of (T, 11) for each of `SQUEEZES`.

    Raises
    ------
    FileNotFoundError
        If the official weights are missing; see `ocrbook.models.model_folder`.
    """
    session = _network()
    name = session.get_inputs()[0].name
    seen = (session.run(None, {name: fit_line(image, squeeze)[None]})[0][0] for squeeze in SQUEEZES)
    return [np.log(each + np.float32(1e-9)) for each in seen]


def likeliest(looks: list[np.ndarray], length: int | None = None) -> tuple[str, float]:
    """The digits, as many as are told, that one of the looks is most certain of, and how certain that is, 0 to 1."""
    text, likely = max((best_text(each, DIGITS, length) for each in looks), key=lambda found: found[1])
    return text, float(np.exp(likely))
