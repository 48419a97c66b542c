"""Where the windows and dials of a meter are in a photograph, and what they show; parsed strictly."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from ocrbook.meters.digits import check_kind
from ocrbook.meters.reading import LONGEST, MOST, counts, number
from ocrbook.render.meters.scene import ARRIVED

if TYPE_CHECKING:
    from ocrbook.labels import Label

Corners = tuple[tuple[float, float], ...]
Place = TypeVar("Place", "WindowPlace", "DialPlace")


def row(name: str, value: Any, length: int, wanted: str, empty: bool = False) -> Sequence[Any]:
    """A list or tuple of a length, or none if that is allowed; ValueError otherwise."""
    if not isinstance(value, (list, tuple)) or (len(value) != length and not (empty and not value)):
        raise ValueError(f"{name} must be {wanted}, got {reprlib.repr(value)}")
    return value


def pair(name: str, value: Any, most: float) -> tuple[float, float]:
    """Two numbers from -most to most; ValueError otherwise."""
    first, second = row(name, value, 2, "pairs of numbers")
    return number(name, first, -most, most), number(name, second, -most, most)


def corners_of(name: str, value: Any) -> Corners:
    """Four corners, clockwise from the top left, of something that can be cut out; ValueError otherwise."""
    corners = tuple(pair(name, each, 2 * LONGEST) for each in row(name, value, 4, "four corners (x, y)"))
    quad = np.array(corners)
    if cv2.contourArea(quad.astype(np.float32)) < 64:
        raise ValueError(f"{name}: it is too small, less than 64 pixels")
    ahead = np.roll(quad, -1, axis=0) - quad
    after = np.roll(ahead, -1, axis=0)
    if (ahead[:, 0] * after[:, 1] <= ahead[:, 1] * after[:, 0]).any():
        raise ValueError(f"{name}: its corners go clockwise from the top left, around a shape without dents")
    return corners


def in_order(corners: Sequence[Sequence[float]] | np.ndarray) -> Corners:
    """Four corners as they were clicked, clockwise from the top left; ValueError if there are more or fewer."""
    corners = np.asarray(corners, float).reshape(-1, 2)
    if corners.shape != (4, 2):
        raise ValueError(f"a window has four corners, got {len(corners)}")
    around = corners[np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T[::-1]))]
    return tuple((float(x), float(y)) for x, y in np.roll(around, -int(np.argmin(around.sum(axis=1))), axis=0))


def set_exactly(place: Any, exact: dict[str, Any]) -> None:
    """Fields of a frozen dataclass, in the form that they are kept in."""
    for name, value in exact.items():
        object.__setattr__(place, name, value)


@dataclass(frozen=True)
class WindowPlace:
    """Where a window is, and what it shows.

    Attributes
    ----------
    kind : "drum" or "lcd"
    window : four corners (x, y), clockwise from the top left, in pixels of a photograph
    digits, decimals : int
        How many positions there are, and how many of them stand behind the decimal point.
    positions : tuple of (left, right), optional
        Where each position is, as shares of the window's width. () finds them.
    arrived : float
        The share of its way from which on the last drum counts as arrived, if nothing follows that tells.
    steady : bool, optional
        Whether the last drum turns steadily with the drum or pointer that follows, or only while that goes from 9 to 0.
        None finds out, where it can be seen.

    Examples
    --------
    >>> WindowPlace("drum", ((100, 80), (300, 80), (300, 130), (100, 130)), 4, decimals=3).weights
    (1.0, 0.001)
    """

    kind: str
    window: Corners
    digits: int
    decimals: int = 0
    positions: tuple[tuple[float, float], ...] = ()
    arrived: float = ARRIVED
    steady: bool | None = None

    def __post_init__(self) -> None:
        check_kind(self.kind)
        digits, decimals = counts(self.digits, self.decimals)
        if digits is None:
            raise ValueError("digits: a profile has their number")
        places = row("positions", self.positions, digits, f"a place for each of {digits} digits, or none", empty=True)
        positions = tuple(pair("positions", each, 1) for each in places)
        if any(not 0 <= left < right for left, right in positions) or any(a >= b for a, b in pairwise(positions)):
            raise ValueError("positions: from the left to the right, as shares of the width: 0 <= left < right <= 1")
        if not isinstance(self.steady, bool | None):
            raise ValueError(f"steady must be true, false or null, got {reprlib.repr(self.steady)}")
        exact = {"window": corners_of("window", self.window), "digits": digits, "decimals": decimals}
        set_exactly(self, exact | {"positions": positions, "arrived": number("arrived", self.arrived, 0.5, 1)})

    @property
    def weights(self) -> tuple[float, float]:
        """What a step of its first and of its last position is worth."""
        return 10.0 ** (self.digits - 1 - self.decimals), 10.0**-self.decimals


@dataclass(frozen=True)
class DialPlace:
    """Where a dial is, and what its scale means.

    Attributes
    ----------
    dial : four corners (x, y) around it, clockwise from the top left, in pixels of a photograph
    multiplier : float
        What the numbers on the scale are multiplied by, often printed beside it: 0.1 for "x0.1".
    low, high : float
        What the scale goes from and to in a full turn.
    clockwise : bool
        The way the numbers run.
    zero : float
        Where `low` is, in degrees clockwise from the top.

    Examples
    --------
    >>> DialPlace.around(210, 160, radius=30, multiplier=0.1).weights
    (0.1, 0.1)
    """

    dial: Corners
    multiplier: float = 1.0
    low: float = 0.0
    high: float = 10.0
    clockwise: bool = True
    zero: float = 0.0

    def __post_init__(self) -> None:
        exact = {"dial": corners_of("dial", self.dial), "zero": number("zero", self.zero, -360, 360)}
        exact |= {"multiplier": number("multiplier", self.multiplier, 1e-9, 1e9)}
        exact |= {name: number(name, getattr(self, name), -1e9, 1e9) for name in ("low", "high")}
        if not exact["high"] > exact["low"]:
            raise ValueError(f"high must be above low, got {exact['low']} and {exact['high']}")
        if not isinstance(self.clockwise, bool):
            raise ValueError(f"clockwise must be true or false, got {reprlib.repr(self.clockwise)}")
        set_exactly(self, exact)

    @classmethod
    def around(cls, x: float, y: float, radius: float, **fields: Any) -> DialPlace:
        """A dial that is seen as a circle."""
        left, top, right, bottom = x - radius, y - radius, x + radius, y + radius
        return cls(((left, top), (right, top), (right, bottom), (left, bottom)), **fields)

    @property
    def weights(self) -> tuple[float, float]:
        """What a tenth of a turn is worth, twice: it is the first and the last position."""
        return (self.multiplier * (self.high - self.low) / 10,) * 2


def places_of(name: str, value: Any, of: type[Place]) -> tuple[Place, ...]:
    """Places, as such or as they are in a file; ValueError otherwise."""
    if not isinstance(value, (list, tuple)) or len(value) > MOST:
        raise ValueError(f"{name} must be a list of up to {MOST}, got {reprlib.repr(value)}")
    needed = {each.name for each in fields(of) if each.default is MISSING}
    places = []
    for index, each in enumerate(value, 1):
        if not isinstance(each, of):
            if not isinstance(each, dict) or not needed <= each.keys() <= {field.name for field in fields(of)}:
                raise ValueError(f"{name} {index} must have the fields of a {of.__name__}, got {reprlib.repr(each)}")
            try:
                each = of(**each)
            except ValueError as error:
                raise ValueError(f"{name} {index}: {error}") from None
        places.append(each)
    return tuple(places)


def marked(label: Label) -> WindowPlace | DialPlace:
    """The place that a box of the annotator marks."""
    text, corners = label.text.strip(), in_order(label.points)
    if label.key_cls == "dial":
        if not (found := re.fullmatch(r"[x×X]?\s*(\d{0,9}(?:[.,]\d{1,9})?)\s*(ccw)?", text, re.ASCII)) or not found[1]:
            raise ValueError(f'the text of a dial is its multiplier, such as "x0.1", got {reprlib.repr(text)}')
        return DialPlace(corners, multiplier=float(found[1].replace(",", ".")), clockwise=not found[2])
    if not re.fullmatch(r"\d+[.,]?\d*|[.,]\d+", text, re.ASCII):
        raise ValueError(f'the text of a window is what it shows, such as "00123.4", got {reprlib.repr(text)}')
    before, _, after = text.replace(",", ".").partition(".")
    return WindowPlace(label.key_cls, corners, len(before + after), len(after))
