"""What stands beside the digits of a window and is none of them, as PP-OCRv6 sees it."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnxruntime
import yaml

from ocrbook.meters.lines import HEIGHT, fit_line
from ocrbook.meters.models import session_of
from ocrbook.models import model_folder

DIGITS, UNITS = frozenset("0123456789"), frozenset("kKmMwWhH³")
"""The digits, and what units are written with and no digit looks like."""


@cache
def _network() -> tuple[onnxruntime.InferenceSession, list[str]]:
    """The network, and all characters that it knows."""
    folder = model_folder("text_recognition")
    described = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))
    return session_of(folder / "inference.onnx"), described["PostProcess"]["character_dict"]


def characters_of(line: np.ndarray) -> list[tuple[str, float]]:
    """What PP-OCRv6 small reads in a line, and where the middle of each character is, as a share of the width.

    Parameters
    ----------
    line : uint8 (H, W, 3), BGR

    Raises
    ------
    FileNotFoundError
        If the official weights are missing; see `ocrbook.models.model_folder`.
    """
    inputs = fit_line(line, 1.0)
    width = min(inputs.shape[2], round(HEIGHT * line.shape[1] / line.shape[0]))
    session, characters = _network()
    steps = session.run(None, {session.get_inputs()[0].name: inputs[None]})[0][0].argmax(axis=1)
    starts = np.flatnonzero(np.diff(steps, prepend=-1))
    middles = (starts + np.append(starts[1:], len(steps))) / 2 * inputs.shape[2] / len(steps) / width
    return [
        (characters[step - 1], middle)
        for step, middle in zip(steps[starts].tolist(), middles.tolist(), strict=True)
        if 0 < step <= len(characters)
    ]


def row_in(line: np.ndarray) -> tuple[str, float, float]:
    """The digits in a line as PP-OCRv6 reads them, without what stands beyond a unit; and where their row begins and
    ends, as shares of the line's width: 0 and 1 where no unit stands beside it.

    Raises
    ------
    FileNotFoundError
        If the official weights are missing; see `ocrbook.models.model_folder`.
    """
    read = characters_of(line)
    digits = [(character, place) for character, place in read if character in DIGITS]
    if not digits:
        return "", 0.0, 1.0
    units = [place for character, place in read if character in UNITS]
    middle = np.median([place for _, place in digits])
    left = max((place for place in units if place < middle), default=-np.inf)
    right = min((place for place in units if place > middle), default=np.inf)
    row = [(character, place) for character, place in digits if left < place < right]
    first, last = row[0][1], row[-1][1]
    # where a digit ends: an m is wider
    return "".join(each for each, _ in row), max(0.0, (left + 2 * first) / 3), min(1.0, (right + 2 * last) / 3)
