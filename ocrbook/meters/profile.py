"""What stays the same for a camera that stays: where a meter shows its reading, and what."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrbook.meters import stored
from ocrbook.meters.digits import check_kind
from ocrbook.meters.reading import LARGEST, LONGEST, counts, number, whole

OUTSIDE = 0.1
"""The share of a photograph's sides that a profile's window may reach outside."""


@dataclass(frozen=True)
class Profile:
    """What stays the same for a camera that stays.

    Attributes
    ----------
    kind : "drum" or "lcd"
    window : four corners (x, y), clockwise from the top left, in pixels of a photograph
    size : (width, height) of the photographs
    digits, decimals : int
    unit : str
    positions : tuple of (left, right), optional
        Where each position is, as shares of the window's width. () finds them.

    Examples
    --------
    >>> corners = ((100, 80), (300, 80), (300, 130), (100, 130))
    >>> Profile("lcd", corners, size=(640, 480), digits=6, decimals=1, unit="m3").digits
    6
    >>> Profile("lcd", corners, size=(640, 480), digits=5.9)
    Traceback (most recent call last):
    ValueError: ...
    """

    kind: str
    window: tuple[tuple[float, float], ...]
    size: tuple[int, int]
    digits: int
    decimals: int = 0
    unit: str = ""
    positions: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_kind(self.kind)
        digits, decimals = counts(self.digits, self.decimals)
        if digits is None:
            raise ValueError("digits: a profile has their number")
        width, height = (whole("size", side, 1, LONGEST) for side in _row("size", self.size, 2, "width and height"))
        if width * height > LARGEST:
            raise ValueError(f"size: no photograph has {width} x {height} pixels; {LARGEST:,} are the most")
        corners = _row("window", self.window, 4, "four corners (x, y)")
        window = tuple(_pair("window", pair, 2 * LONGEST) for pair in corners)
        quad = np.array(window)
        if cv2.contourArea(quad.astype(np.float32)) < 64:
            raise ValueError("window: it is too small, less than 64 pixels")
        ahead = np.roll(quad, -1, axis=0) - quad
        after = np.roll(ahead, -1, axis=0)
        if (ahead[:, 0] * after[:, 1] <= ahead[:, 1] * after[:, 0]).any():
            raise ValueError("window: its corners go clockwise from the top left, around a shape without dents")
        if (np.abs(quad / (width, height) - 0.5) > 0.5 + OUTSIDE).any():
            raise ValueError(f"window: it lies outside of a photograph of {width} x {height} pixels")
        if not isinstance(self.unit, str) or len(self.unit) > 20 or not self.unit.isprintable():
            raise ValueError(f"unit must be a text of up to 20 characters, got {reprlib.repr(self.unit)}")
        places = _row("positions", self.positions, digits, f"a place for each of {digits} digits, or none", empty=True)
        positions = tuple(_pair("positions", pair, 1) for pair in places)
        if any(not 0 <= left < right for left, right in positions) or any(a >= b for a, b in pairwise(positions)):
            raise ValueError("positions: from the left to the right, as shares of the width: 0 <= left < right <= 1")
        exact = {"window": window, "size": (width, height), "digits": digits, "decimals": decimals}
        for name, value in (exact | {"positions": positions}).items():
            object.__setattr__(self, name, value)

    def save(self, path: str | Path) -> None:
        """Write it as JSON.

        Raises
        ------
        OSError
            If it can't be written.
        """
        stored.save(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read it from JSON.

        Raises
        ------
        FileNotFoundError, OSError, ValueError
            If there is no such file, it can't be opened, or it is no profile; the message says what is wrong.
        """
        needed = ("kind", "window", "size", "digits")
        fields = stored.load(path, "profile", cls.__dataclass_fields__, needed)
        try:
            return cls(**fields)
        except ValueError as error:
            raise ValueError(f"{path} is no profile: {error}") from None

    @classmethod
    def from_corners(
        cls, image: np.ndarray, corners: Sequence[Sequence[float]], kind: str, digits: int, **fields
    ) -> Profile:
        """A profile from a photograph and four corners around the digits, as they were clicked, in any order.

        Raises
        ------
        ValueError
            If they are no four corners, or a field can't be.
        """
        quad = _ordered(np.asarray(corners, float).reshape(-1, 2))
        window = tuple((float(x), float(y)) for x, y in quad)
        return cls(kind, window, (image.shape[1], image.shape[0]), digits, **fields)


def _row(name: str, value: Any, length: int, wanted: str, empty: bool = False) -> Sequence[Any]:
    """A list or tuple of a length, or none if that is allowed; ValueError otherwise."""
    if not isinstance(value, (list, tuple)) or (len(value) != length and not (empty and not value)):
        raise ValueError(f"{name} must be {wanted}, got {reprlib.repr(value)}")
    return value


def _pair(name: str, value: Any, most: float) -> tuple[float, float]:
    """Two numbers from -most to most; ValueError otherwise."""
    first, second = _row(name, value, 2, "pairs of numbers")
    return number(name, first, -most, most), number(name, second, -most, most)


def _ordered(corners: np.ndarray) -> np.ndarray:
    """Four corners clockwise from the top left."""
    if corners.shape != (4, 2):
        raise ValueError(f"a window has four corners, got {len(corners)}")
    centre = corners.mean(axis=0)
    around = corners[np.argsort(np.arctan2(*(corners - centre).T[::-1]))]
    return np.roll(around, -int(np.argmin(around.sum(axis=1))), axis=0)
