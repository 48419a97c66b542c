"""What a reader answers, and what it may be asked."""

from __future__ import annotations

import math
import numbers
import reprlib
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

LARGEST = 40_000_000
"""Pixels of an image; more are refused."""

LONGEST = 16_000
"""Pixels of an image's side; OpenCV warps no image with 32,767 or more, and what is cut out can be larger."""

SMALLEST = 8
"""Pixels of the shorter side; an image with fewer has nothing to be read on it."""

FAINTEST = 2.5
"""Gray levels that the brightness of a crop deviates by at least, in one of its channels; below lies noise."""

MOST = 12
"""Positions that a window may have."""

HUGE = 1e30
"""Numbers from here on mean nothing; differences and products of smaller ones stay finite."""


@dataclass(frozen=True)
class Reading:
    """A number that was read, and whether it may be used.

    Attributes
    ----------
    text : str
        The digits from the left to the right, without a separator (a dial's with one, "3.40"); "" where there are none.
    value : float or None
        None where nothing was read, and for a position without a digit.
    confidence : float
        Estimated share of such readings that are right, between 0 and 1.
    accepted : bool
        Whether the number may be used without a second look.
    reason : str
        Why it was rejected, or what is remarkable; "" if nothing is.
    parts : tuple of Reading
        The positions of a window, from the left to the right; the windows of a photograph.
    place : tuple of (x, y)
        Corners in the image that was given, clockwise from the top left; () for all of it.

    Examples
    --------
    >>> Reading("01234", 123.4, 0.98, accepted=True).to_dict()["value"]
    123.4
    """

    text: str
    value: float | None
    confidence: float
    accepted: bool
    reason: str = ""
    parts: tuple[Reading, ...] = ()
    place: tuple[tuple[float, float], ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {
            "text": self.text,
            "value": None if self.value is None else round(self.value, 6),
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "place": [[round(x, 1), round(y, 1)] for x, y in self.place],
            "parts": [part.to_dict() for part in self.parts],
        }


def rejected(reason: str, parts: tuple[Reading, ...] = (), **fields: Any) -> Reading:
    """A reading without a number."""
    return Reading("", None, 0.0, False, reason, parts, **fields)


def judged(text: str, decimals: int, confidence: float, least: float, parts: tuple[Reading, ...]) -> Reading:
    """A number that was read, accepted from a confidence on."""
    reason = "" if confidence >= least else "uncertain"
    if decimals > len(text):
        reason = "fewer digits than decimals"
    return Reading(text, int(text) / 10**decimals, confidence, not reason, reason, parts)


def checked(image: np.ndarray) -> np.ndarray:
    """The image, if it is one that can be read.

    Raises
    ------
    TypeError
        If it is no array, or not of uint8.
    ValueError
        If it is empty, not BGR, has more than `LARGEST` pixels, or a side longer than `LONGEST`.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"an image is a numpy array, got {type(image).__name__}: read a file with cv2.imread")
    if image.dtype != np.uint8:
        raise TypeError(f"an image has uint8 values from 0 to 255, got {image.dtype}")
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        raise ValueError("an image has three channels, this one is gray: cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)")
    if image.ndim == 3 and image.shape[2] == 4:
        raise ValueError("an image has three channels, this one has four: cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image is (height, width, 3) in BGR, got {image.shape}")
    if image.size == 0:
        raise ValueError("the image is empty")
    if image.shape[0] * image.shape[1] > LARGEST:
        size = f"{image.shape[1]} x {image.shape[0]}"
        raise ValueError(f"the image has {size} pixels, more than {LARGEST:,}: make it smaller with cv2.resize")
    if max(image.shape[:2]) > LONGEST:
        size = f"{image.shape[1]} x {image.shape[0]}"
        raise ValueError(f"the image has {size} pixels, more than {LONGEST:,} on a side: cut out the meter")
    return image


def too_small(image: np.ndarray) -> bool:
    """Whether there are too few pixels to read anything."""
    return min(image.shape[:2]) < SMALLEST


def too_faint(image: np.ndarray) -> bool:
    """Whether a crop is as good as of one colour."""
    return bool(cv2.meanStdDev(image)[1].max() < FAINTEST)


def number(what: str, value: object, low: float = -HUGE, high: float = HUGE) -> float:
    """A finite number, as a float.

    Raises
    ------
    ValueError
        If it is none, or outside of its limits; the message begins with `what`.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not low <= value <= high or not math.isfinite(value):
        limits = "finite" if (low, high) == (-HUGE, HUGE) else f"a number from {low:g} to {high:g}"
        raise ValueError(f"{what} must be {limits}, got {reprlib.repr(value)}")
    return float(value)


def whole(what: str, value: object, low: int, high: int, unit: str = "") -> int:
    """A whole number, as an int: 5 or numpy's 5, not 5.0 and not True.

    Raises
    ------
    ValueError
        If it is none, or outside of its limits; the message begins with `what`.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}{unit}, got {reprlib.repr(value)}")
    return int(value)


def counts(digits: object, decimals: object) -> tuple[int | None, int]:
    """How many digits a meter shows, None where that isn't known, and how many of them are decimals.

    Raises
    ------
    ValueError
        If they can't be: a meter has 1 to 12 digits, and no more decimals than digits.
    """
    if digits is not None:
        digits = whole("digits", digits, 1, MOST, " digits")
    return digits, whole("decimals", decimals, 0, MOST if digits is None else digits)
