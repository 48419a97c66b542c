"""What stays the same for a camera that stays: where a meter shows its reading, and what."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocrbook.meters import stored
from ocrbook.meters.places import Corners, DialPlace, WindowPlace, in_order, marked, places_of, row, set_exactly
from ocrbook.meters.reading import LARGEST, LONGEST, whole
from ocrbook.render.meters.scene import ARRIVED

if TYPE_CHECKING:
    from ocrbook.labels import Label

OUTSIDE = 0.1
"""The share of a photograph's sides that a profile's window may reach outside."""

TOGETHER = 15
"""Digits that windows and dials have together at most; no float64 tells more apart."""


@dataclass(frozen=True)
class Profile:
    """What stays the same for a camera that stays.

    Attributes
    ----------
    kind, window, digits, decimals, positions, arrived, steady
        Its window, or that with the highest digits; see `WindowPlace`. Where there are dials only, `kind` is "dial",
        `window` () and `digits` 0.
    size : (width, height) of the photographs
    unit : str
    more : tuple of WindowPlace
        Further windows with lower digits, such as red drums in a frame of their own.
    dials : tuple of DialPlace
        All that stands in a profile is one number: each part begins where another one ends, by tens. Of a meter with
        two numbers, such as heat and volume, each has a profile.

    Examples
    --------
    >>> corners = ((100, 80), (300, 80), (300, 130), (100, 130))
    >>> Profile("lcd", corners, size=(640, 480), digits=6, decimals=1, unit="m3").digits
    6
    >>> tenths = DialPlace.around(210, 160, radius=30, multiplier=0.1)
    >>> [place.weights for place in Profile("drum", corners, (640, 480), 5, dials=(tenths,)).row]
    [(10000.0, 1.0), (0.1, 0.1)]
    >>> Profile("lcd", corners, size=(640, 480), digits=5.9)
    Traceback (most recent call last):
    ValueError: ...
    """

    kind: str
    window: Corners
    size: tuple[int, int]
    digits: int
    decimals: int = 0
    unit: str = ""
    positions: tuple[tuple[float, float], ...] = ()
    arrived: float = ARRIVED
    steady: bool | None = None
    more: tuple[WindowPlace, ...] = ()
    dials: tuple[DialPlace, ...] = ()

    def __post_init__(self) -> None:
        width, height = (whole("size", side, 1, LONGEST) for side in row("size", self.size, 2, "width and height"))
        if width * height > LARGEST:
            raise ValueError(f"size: no photograph has {width} x {height} pixels; {LARGEST:,} are the most")
        if not isinstance(self.unit, str) or len(self.unit) > 20 or not self.unit.isprintable():
            raise ValueError(f"unit must be a text of up to 20 characters, got {reprlib.repr(self.unit)}")
        set_exactly(self, {"size": (width, height), "dials": places_of("dials", self.dials, DialPlace)})
        set_exactly(self, {"more": places_of("more", self.more, WindowPlace)})
        if self.kind == "dial":
            if self.more or self.window or self.positions or not self.dials:
                raise ValueError('kind "dial" is for a meter that has dials and no window')
            if (self.digits, self.decimals, self.arrived, self.steady) != (0, 0, ARRIVED, None):
                raise ValueError("digits, decimals, arrived and steady are of windows, and dials have none")
            set_exactly(self, {"window": (), "digits": 0, "decimals": 0, "positions": ()})
        else:
            first = self.windows[0]
            set_exactly(self, {each.name: getattr(first, each.name) for each in fields(first)})
        _check_row(self.row)
        for place in self.row:
            name = "window" if isinstance(place, WindowPlace) else "dial"
            if (np.abs(np.array(getattr(place, name)) / (width, height) - 0.5) > 0.5 + OUTSIDE).any():
                raise ValueError(f"{name}: it lies outside of a photograph of {width} x {height} pixels")

    @property
    def windows(self) -> tuple[WindowPlace, ...]:
        """The first window and the further ones."""
        if self.kind == "dial":
            return ()
        return WindowPlace(**{each.name: getattr(self, each.name) for each in fields(WindowPlace)}), *self.more

    @property
    def row(self) -> tuple[WindowPlace | DialPlace, ...]:
        """All windows and dials, from the highest digits to the lowest."""
        return tuple(sorted((*self.windows, *self.dials), key=lambda place: -place.weights[0]))

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
        known = stored.load(path, "profile", cls.__dataclass_fields__, needed)
        try:
            return cls(**known)
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
        return cls(kind, in_order(corners), (image.shape[1], image.shape[0]), digits, **fields)

    @classmethod
    def from_labels(cls, image: np.ndarray, labels: Sequence[Label], **fields) -> Profile:
        """A profile from boxes around the windows and dials of a photograph, as the annotator has them.

        The class of a box is "drum", "lcd" or "dial". The text of a window is what it shows, with the decimal point:
        "00123", ".456" for red drums that follow; of a dial what its numbers are multiplied by: "x0.1", or "x0.1 ccw"
        where they run counterclockwise.

        Raises
        ------
        ValueError
            If a class or text is another one, or they make no profile.

        Examples
        --------
        >>> from ocrbook.labels import Label
        >>> window = Label([[100, 80], [300, 80], [300, 130], [100, 130]], "00123", key_cls="drum")
        >>> dial = Label([[180, 150], [240, 150], [240, 210], [180, 210]], "x0.1", key_cls="dial")
        >>> made = Profile.from_labels(np.zeros((480, 640, 3), np.uint8), [window, dial], unit="m3")
        >>> made.digits, made.dials[0].multiplier
        (5, 0.1)
        """
        places = [marked(label) for label in labels]
        dials = tuple(each for each in places if isinstance(each, DialPlace))
        windows = sorted((each for each in places if isinstance(each, WindowPlace)), key=lambda w: -w.weights[0])
        size = image.shape[1], image.shape[0]
        if not windows:
            return cls("dial", (), size, 0, dials=dials, **fields)
        first, *more = windows
        told = {"decimals": first.decimals, "more": tuple(more), "dials": dials}
        return cls(first.kind, first.window, size, first.digits, **(told | fields))


def _check_row(places: Sequence[WindowPlace | DialPlace]) -> None:
    """Raise ValueError if places don't make one number."""
    if len(places) == 1:
        return
    for place in places:
        if isinstance(place, DialPlace) and place.low != 0:
            raise ValueError(f"dials: one that is joined to others begins at 0, not at {place.low:g}")
    for above, below in pairwise(places):
        if not math.isclose(above.weights[1], 10 * below.weights[0], rel_tol=1e-6):
            raise ValueError(
                f"windows and dials follow each other by tens: below {above.weights[1]:g} "
                f"is {above.weights[1] / 10:g}, not {below.weights[0]:g}"
            )
    if sum(place.digits if isinstance(place, WindowPlace) else 1 for place in places) > TOGETHER:
        raise ValueError(f"windows and dials have more than {TOGETHER} digits together")
