"""A window as a line of text: PP-OCRv6, fine-tuned on drawn windows, answers with digits and nothing else."""

from __future__ import annotations

import math
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

LOOKS = ((0.55, -0.06), (0.65, 0.0), (0.75, 0.06))
"""How a window is shown: at which share of its width, for digits of displays are wider than those of print; and with
how much more around it, above and below in its heights, and a third of that at the sides in its widths."""

DIGITS = "0123456789"

WHITE, GLARE = 245, 0.25
"""The gray level from which on a camera saw nothing but light; and how much more of an end than of the middle of a
window must be as bright for a digit to be lost there."""


def tuned() -> bytes:
    """The network as an ONNX file.

    Raises
    ------
    FileNotFoundError
        If the official weights are missing; see `ocrbook.models.model_folder`.
    """
    official = model_folder("text_recognition") / "inference.onnx"
    return apply_delta(official, FOLDER / "lines" / "delta.npz").SerializeToString()


@cache
def _network() -> onnxruntime.InferenceSession:
    return session_of(tuned())


@cache
def installed() -> bool:
    """Whether the official weights are there."""
    try:
        return bool(model_folder("text_recognition"))
    except FileNotFoundError:
        return False


def fit_line(image: np.ndarray, squeeze: float) -> np.ndarray:
    """A window as the network is given it: uint8 (H, W, 3) to float32 (3, 48, W'), -1 to 1, filled up with zeros."""
    height, width = image.shape[:2]
    wide = int(np.clip(round(HEIGHT * width / height * squeeze), 16, WIDEST))
    resized = cv2.resize(image, (wide, HEIGHT), interpolation=cv2.INTER_AREA if height > HEIGHT else cv2.INTER_LINEAR)
    line = np.zeros((3, HEIGHT, max(wide, NARROWEST)), np.float32)
    line[:, :, :wide] = (resized.transpose(2, 0, 1) - np.float32(127.5)) / 127.5
    return line


def look(image: np.ndarray) -> list[np.ndarray]:
    """What the network makes of a window (uint8 (H, W, 3), BGR): logarithms of (T, 11) for each of `LOOKS`.

    Raises
    ------
    FileNotFoundError
        As `tuned`.
    """
    session = _network()
    name = session.get_inputs()[0].name
    height, width = image.shape[:2]
    seen = []
    for squeeze, more in LOOKS:
        down, across = round(abs(more) * height), round(abs(more) / 3 * width)
        if more < 0:
            shown = image[down : height - down, across : width - across]
        else:
            shown = cv2.copyMakeBorder(image, down, down, across, across, cv2.BORDER_REPLICATE)
        seen.append(np.log(session.run(None, {name: fit_line(shown, squeeze)[None]})[0][0] + np.float32(1e-9)))
    return seen


def likeliest(seen: list[np.ndarray], length: int | None = None) -> tuple[str, float]:
    """The digits, as many as are told, that the looks together are most certain of; and how certain, 0 to 1."""
    shares: dict[str, float] = {}
    for each in seen:
        text, likely = best_text(each, DIGITS, length)
        shares[text] = shares.get(text, 0.0) + math.exp(likely) / len(seen)
    return max(shares.items(), key=lambda found: found[1])


def overexposed(image: np.ndarray) -> bool:
    """Whether so much light falls on an end of a window that a digit may have been lost there."""
    height, width = image.shape[:2]
    white = (image[height // 6 : height - height // 6].min(axis=2) >= WHITE).mean(axis=0)
    end = max(1, width // 8)
    return bool(max(white[:end].mean(), white[-end:].mean()) - white[width // 4 : -(width // 4)].mean() > GLARE)
