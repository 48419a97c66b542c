"""Reading a photograph: which window shows the reading, and what."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ocrbook.crops import crop
from ocrbook.meters import stored
from ocrbook.meters.digits import KINDS, check_kind
from ocrbook.meters.inputs import PHOTO_SIZE, fit_photo
from ocrbook.meters.models import run
from ocrbook.meters.reading import LARGEST, LONGEST, Reading, checked, counts, number, rejected, whole
from ocrbook.meters.windows import find_positions, read_positions, read_window

FOUND = 0.4
"""How sure the network must be that something is a window."""

CERTAIN = 0.7
"""How sure it must be for a second, closer look not to be needed."""

MARGIN = (0.18, 0.12)
"""What is cut out around the window of a profile, beside it and above, in its heights."""

CUTS = ((0.6, 0.15), (0.3, 0.1), (1.0, 0.22))
"""The same around a window that was found, for its digits to be read three times."""

LOOSE = (0.8, 0.3)
"""The same for a first look, which finds out where the digits are."""

ACCEPT = 0.85
"""The confidence from which on a photograph is accepted."""

RIVAL, SURELY, AS_LARGE = 0.1, 0.65, 0.8
"""The confidence from which on another window could be the reading; how sure the network is that it is a window if it
could be whether or not it can be read; and the share of the other's sides that its own have at least."""

WIDEST = 4_096
"""Pixels on the longest side of what is cut out; it could be larger than what can be read. Digits need far fewer."""

SAME = 0.5
"""Share of the smaller one that two windows have in common if they are one, found twice."""

OUTSIDE = 0.1
"""The share of a photograph's sides that a profile's window may reach outside."""

ASPECT = 0.02
"""How much the ratio of a photograph's sides may differ from that of a profile's photographs, or else two pixels."""

BESIDE = 1.3
"""What is looked at beside the digits of a display whose first positions are blank, in widths of a position."""

FEWEST = {"drum": 3, "lcd": 2}
"""Digits that a reading has at least; displays leave out leading zeros."""


@dataclass(frozen=True)
class Found:
    """A window that was found: its kind, its corners (4, 2) clockwise from the top left, and how sure that is.

    Examples
    --------
    >>> Found("drum", np.array([[0, 0], [90, 0], [90, 20], [0, 20]]), 0.97).kind
    'drum'
    """

    kind: str
    quad: np.ndarray
    score: float


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


def find_windows(image: np.ndarray) -> list[Found]:
    """The windows of meters in a photograph, the largest of the certain ones first.

    It is looked at with 320 pixels on its longer side; where nothing certain is found, with 640, for small windows.
    What is found roughly is drawn tight around the digits in it, where there are three or more.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR

    Returns
    -------
    list of Found

    Examples
    --------
    >>> from ocrbook import images
    >>> [found.kind for found in find_windows(images.read("datasets/meter-photo/drum_000.jpg"))]
    ['drum']
    """
    found = _find(image, PHOTO_SIZE[0])
    if max(image.shape[:2]) > 1.5 * PHOTO_SIZE[0] and max((each.score for each in found), default=0) < CERTAIN:
        found = max(found, _find(image, 2 * PHOTO_SIZE[0]), key=lambda each: max((f.score for f in each), default=0))
    found = [_refined(image, _refined(image, each)) for each in found]
    found.sort(key=lambda each: -(min(1.0, each.score / CERTAIN) ** 2) * np.sqrt(_area(each.quad)))
    distinct: list[Found] = []
    for each in found:
        if all(_in_common(each.quad, other.quad) < SAME for other in distinct):
            distinct.append(each)
    return distinct


def _find(image: np.ndarray, side: int) -> list[Found]:
    """The windows in a photograph whose longer side is made `side` pixels long."""
    fitted, scale = fit_photo(image, side)
    height, width = fitted.shape[:2]
    inputs = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    inputs[0, :, :height, :width] = (fitted.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
    if inputs.shape[2] > height:
        inputs[0, :, height:] = -1.0
    if inputs.shape[3] > width:
        inputs[0, :, :, width:] = -1.0
    maps = run("windows", inputs)[0]
    scores = 1 / (1 + np.exp(-maps[:2]))
    inside = scores.max(axis=0)
    count, labels = cv2.connectedComponents((inside > FOUND).astype(np.uint8))
    found = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        weights = inside[rows, columns]
        middles = np.stack([columns, rows], axis=1) * 4 + 1.5
        corners = middles[:, None] + 64 * maps[2:, rows, columns].T.reshape(-1, 4, 2)
        rough = np.average(corners, axis=0, weights=weights)
        # each corner as the blocks near it see it: the far end of a long window is a guess
        reach = 0.25 * np.linalg.norm(rough[1] - rough[0]) + 4
        quad = np.empty((4, 2))
        for place in range(4):
            away = np.linalg.norm(middles - rough[place], axis=1)
            quad[place] = np.average(corners[:, place], axis=0, weights=weights * np.exp(-(away - away.min()) / reach))
        if _area(quad) < 24 or not cv2.isContourConvex(quad.astype(np.float32)):
            continue
        kind = KINDS[int(scores[:, labels == label].sum(axis=1).argmax())]
        found.append(Found(kind, quad / scale, float(np.sort(weights)[-min(4, len(weights)) :].mean())))
    return found


def _area(quad: np.ndarray) -> float:
    return cv2.contourArea(quad.astype(np.float32))


def _in_common(a: np.ndarray, b: np.ndarray) -> float:
    """What two windows have in common, as a share of the smaller one."""
    common, _ = cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))
    return common / max(1e-6, min(_area(a), _area(b)))


def cut_out(image: np.ndarray, quad: np.ndarray, margin: tuple[float, float] = MARGIN) -> tuple[np.ndarray, np.ndarray]:
    """A window, straightened, with a margin beside and above it in its heights; and the corners that were cut.

    It is as large as in the image, or has `WIDEST` pixels on its longest side.
    """
    across, down = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    height = np.linalg.norm(down)
    x = across / (np.linalg.norm(across) + 1e-9) * height * margin[0]
    y = down * margin[1]
    wider = quad + np.array([-x - y, x - y, x + y, -x + y])
    sides = np.linalg.norm(np.roll(wider, -1, axis=0) - wider, axis=1)
    scale = min(1.0, WIDEST / sides.max())
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return crop(image, wider * scale, turn_tall=False), wider


def read_photo(
    image: np.ndarray,
    profile: Profile | None = None,
    *,
    kind: str | None = None,
    digits: int | None = None,
    decimals: int = 0,
    second: bool = True,
) -> Reading:
    """Read the meter in a photograph.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        Upright, up to some fifteen degrees.
    profile : Profile, optional
        For a camera that stays. Photographs of another size are taken to be the same view, enlarged or made smaller.
    kind, digits, decimals : optional
        What is known of the meter where there is no profile; see `read_window`.
    second : bool
        Whether PP-OCRv6 is asked, too; see `read_window`.

    Returns
    -------
    Reading
        Of the window that is taken to show the reading; its `place` is in the photograph. `parts` are the windows that
        were read, three at most, that one first; with a profile, the positions of its window.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, what is known of the meter can't be, or a profile is given with it.
    FileNotFoundError
        If PP-OCRv6 is to be asked and its weights are missing.

    Examples
    --------
    >>> from ocrbook import images
    >>> read_photo(images.read("datasets/meter-photo/drum_000.jpg"), decimals=3).value
    20702.441
    """
    checked(image)
    if profile is not None and (kind, digits, decimals) != (None, None, 0):
        raise ValueError("kind, digits and decimals are in the profile already")
    if kind is not None:
        check_kind(kind)
    digits, decimals = counts(digits, decimals)
    if min(image.shape[:2]) < 32:
        return rejected("too small to be a photograph of a meter")
    if profile is not None:
        return _read_with(profile, image, second)
    windows = find_windows(image)
    if not windows:
        return rejected("no window of a meter found")
    readings = [_read_found(image, window, kind, digits, decimals, second) for window in windows[:3]]
    # of two that can be read the larger one is the reading; print that looks like a window can't be read well
    sides = np.sqrt([_area(window.quad) for window in windows])
    order = np.argsort(-sides[:3] * [0.1 + each.confidence for each in readings])
    first = order[0]
    best = readings[first]
    readable = {i for i, each in enumerate(readings) if len(each.text) > 2 and each.confidence > RIVAL}
    certain = {i for i, window in enumerate(windows) if window.score > SURELY}
    as_large = {i for i, side in enumerate(sides) if side > AS_LARGE * sides[first]}
    if best.accepted and as_large & (readable | certain) - {first}:
        best = replace(best, accepted=False, reason="another window could be the reading, too")
    return replace(best, parts=tuple(readings[i] for i in order))


def _refined(image: np.ndarray, window: Found) -> Found:
    """The window tight around its digits and of the kind they look like, as far as they can be found.

    On the left of a display's digits there may be blank positions, as many as the window has room for.
    """
    straight, corners = cut_out(image, window.quad, LOOSE)
    boxes, _, kind = find_positions(straight)
    if len(boxes) < 3:
        return window
    middles, levels = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    slope = (levels[-1] - levels[0]) / (middles[-1] - middles[0])
    half = np.median(boxes[:, 3] - boxes[:, 1]) / 2
    ends = np.array([boxes[0, 0], boxes[-1, 2]])
    if kind == "lcd":
        pitch = np.median(np.diff(middles))
        edge = LOOSE[0] * straight.shape[0] / (1 + 2 * LOOSE[1])  # where the rough window begins
        ends[0] -= pitch * max(0, round((ends[0] - edge) / pitch))
    line = levels[0] + slope * (ends - middles[0])
    lean = np.array([-slope, 1.0]) / np.hypot(slope, 1) * half
    a, b = np.stack([ends, line], axis=1)
    found = np.array([a - lean, b - lean, b + lean, a + lean])
    height, width = straight.shape[:2]
    inside = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(inside, corners.astype(np.float32))
    return replace(window, kind=kind, quad=cv2.perspectiveTransform(found[None], matrix)[0])


def _read_found(
    image: np.ndarray, window: Found, kind: str | None, digits: int | None, decimals: int, second: bool
) -> Reading:
    """One window of a photograph, cut out more and less widely; what all cuts agree on is certain."""
    cuts = [cut_out(image, window.quad, margin)[0] for margin in CUTS]
    readings = [read_window(cut, kind, digits, decimals, second=second) for cut in cuts]
    weights: dict[str, float] = {}
    for each in readings:
        weights[each.text] = weights.get(each.text, 0.0) + each.confidence + 1e-3
    text = max(weights, key=lambda each: weights[each])
    same = [each for each in readings if each.text == text]
    reading = max(same, key=lambda each: each.confidence)
    confidence = float(np.mean([each.confidence for each in same])) * min(1.0, window.score / 0.8)
    confidence *= (weights[text] / sum(weights.values())) ** 1.5
    place = tuple((float(x), float(y)) for x, y in window.quad)
    reason = reading.reason.replace("uncertain", "")  # of all three cuts together is more certain than of one
    enough = not reason and confidence >= ACCEPT
    reason = reason or ("" if enough else "uncertain")
    if 0 < len(reading.text) < FEWEST[window.kind]:
        enough, reason = False, f"fewer than {FEWEST[window.kind]} digits"
    return replace(reading, confidence=confidence, accepted=enough, reason=reason, place=place)


def _read_with(profile: Profile, image: np.ndarray, second: bool) -> Reading:
    """The window of a profile."""
    height, width = image.shape[:2]
    right_height = width * profile.size[1] / profile.size[0]
    if abs(height - right_height) > max(2, ASPECT * right_height):
        wanted = f"{profile.size[0]} x {profile.size[1]}"
        return rejected(f"the photograph is {width} x {height}, not like those of the profile, {wanted}")
    quad = np.array(profile.window) * [width / profile.size[0], height / profile.size[1]]
    place = tuple((float(x), float(y)) for x, y in quad)
    straight, _ = cut_out(image, quad)
    if not profile.positions:
        reading = read_window(straight, profile.kind, profile.digits, profile.decimals, second=second)
        if reading.accepted and len(reading.text) < profile.digits and _goes_on(image, quad, profile, reading.text):
            reading = replace(reading, accepted=False, reason="the digits go on outside of the profile's window")
        return replace(reading, place=place)
    # the profile's window has no margin, the one cut out has
    height = straight.shape[0] / (1 + 2 * MARGIN[1])
    side, top = MARGIN[0] * height, MARGIN[1] * height
    edges = side + np.array(profile.positions) * (straight.shape[1] - 2 * side)
    bottom = straight.shape[0] - top
    boxes = np.stack([edges[:, 0], np.full(len(edges), top), edges[:, 1], np.full(len(edges), bottom)], axis=1)
    scores = np.ones(len(boxes))
    reading = read_positions(straight, profile.kind, boxes, scores, profile.digits, profile.decimals, second)
    return replace(reading, place=place)


def _goes_on(image: np.ndarray, quad: np.ndarray, profile: Profile, text: str) -> bool:
    """Whether a wider look at a display shows more digits: then the camera has moved, and not the first are blank."""
    across, down = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    pitch = np.linalg.norm(across) / profile.digits / max(1.0, np.linalg.norm(down))
    wider, _ = cut_out(image, quad, (MARGIN[0] + BESIDE * pitch, MARGIN[1]))
    seen = read_window(wider, profile.kind)
    return len(seen.text) > len(text) and text in seen.text
