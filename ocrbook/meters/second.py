"""A second opinion on a window: PP-OCRv6, which may answer nothing but digits."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import cv2
import numpy as np
import onnxruntime
import yaml

from ocrbook.meters.models import session_of
from ocrbook.models import model_folder

HEIGHT, NARROWEST, WIDEST = 48, 160, 960
"""Pixels of a line; a narrower one is filled up with gray, a wider one pressed together."""

AROUND = (0.25, 0.15)
"""What is left beside the first and the last position, and above and below, in their heights."""


@cache
def _network() -> tuple[onnxruntime.InferenceSession, np.ndarray]:
    """The network; and of all that it can answer, the class of nothing and those of the ten digits."""
    folder = model_folder("text_recognition")
    characters = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))["PostProcess"]["character_dict"]
    return session_of(folder / "inference.onnx"), np.array([0, *(1 + characters.index(d) for d in "0123456789")])


def digits_by_ppocr(image: np.ndarray, boxes: np.ndarray) -> str:
    """What PP-OCRv6 small reads where the positions are, if it may answer nothing but digits; "" if nothing.

    Of each time step the likeliest of ten digits and nothing, each run of the same once (Graves et al., 2006, CTC).

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
    boxes : float64 (N, 4)
        Left, top, right and bottom of each position, in pixels.

    Raises
    ------
    FileNotFoundError
        If the official weights are missing; see `ocrbook.models.model_folder`.
    """
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    side, above = (share * (bottom - top) for share in AROUND)
    rows = slice(max(0, int(top - above)), max(2, int(np.ceil(bottom + above))))
    line = image[rows, max(0, int(left - side)) : max(2, int(np.ceil(right + side)))]
    if not line.size:
        return ""
    width = int(np.clip(round(HEIGHT * line.shape[1] / line.shape[0]), 1, WIDEST))
    inputs = np.zeros((1, 3, HEIGHT, max(width, NARROWEST)), np.float32)
    inputs[0, :, :, :width] = (cv2.resize(line, (width, HEIGHT)).transpose(2, 0, 1) - np.float32(127.5)) / 127.5
    session, classes = _network()
    steps = session.run(None, {session.get_inputs()[0].name: inputs})[0][0][:, classes].argmax(axis=1)
    return "".join(str(step - 1) for step, _ in groupby(steps.tolist()) if step)
