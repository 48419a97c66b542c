"""Pointer dials: a needle, a printed scale, a hub."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font
from ocrbook.render.meters.scene import blend, colour, photograph, speckle

_SIZE = 128  # a dial is drawn in a square of so many pixels


@dataclass(frozen=True)
class Dial:
    """The picture of a pointer dial.

    Attributes
    ----------
    image : (H, W, 3) BGR; float32 while it is drawn, uint8 once it is photographed
    turn : float in [0, 1)
        How far the needle has turned clockwise from the top, seen from the front.
    clockwise : bool
        The way its numbers run.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import Dial
    >>> dial = Dial(np.zeros((128, 128, 3), np.float32), turn=0.25, clockwise=True)  # the needle points to the right
    >>> dial.image.shape
    (128, 128, 3)
    """

    image: np.ndarray
    turn: float
    clockwise: bool

    @property
    def value(self) -> float:
        """The reading on a dial from 0 to 10 with its 0 at the top, in [0, 10)."""
        return 10 * self.turn % 10 if self.clockwise else -10 * self.turn % 10


NEEDLES = ("tapered", "bar", "arrow", "spade", "lance", "drop", "line")
"""The shapes of needles; `HELD_OUT_NEEDLES` of them are never drawn in training."""

HELD_OUT_NEEDLES = ("lance", "drop")


def _needle(name: str, rng: np.random.Generator) -> np.ndarray:
    """Corners of a needle that points up, (N, 2); its hub is (0, 0), its length about 1, x to the right, y down."""
    base = rng.uniform(0.04, 0.17)
    tip = rng.uniform(0.0, 0.03)
    tail = float(rng.choice([0.0, rng.uniform(0.05, 0.4)]))
    if name == "tapered":
        side = [(base, 0.0), (tip, -1)]
        end = [(rng.uniform(0.3, 1.3) * base, tail)]
    elif name == "bar":
        side = [(0.6 * base, 0.0), (0.55 * base, -rng.uniform(0.8, 1)), (0, -1)]
        end = [(0.6 * base, tail)]
    elif name == "arrow":
        neck, head = rng.uniform(0.5, 0.8), rng.uniform(0.09, 0.2)
        side = [(0.35 * base, 0.0), (0.35 * base, -neck), (head, -neck), (tip, -1)]
        end = [(0.5 * base, tail)]
    elif name == "spade":
        side = [(0.3 * base, 0.0), (0.3 * base, -0.35), (1.1 * base, -rng.uniform(0.5, 0.7)), (tip, -1)]
        end = [(0.8 * base, tail)]
    elif name == "lance":
        side = [(0.5 * base, 0.0), (1.3 * base, -0.55), (0.3 * base, -0.75), (tip, -1)]
        end = [(0.5 * base, tail)]
    elif name == "drop":
        angles = np.linspace(0.2, np.pi - 0.2, 12)
        bulb = rng.uniform(0.1, 0.2)
        side = [(bulb * np.sin(a), -rng.uniform(0.0, 0.005) - 0.2 + bulb * np.cos(a)) for a in angles] + [(tip, -1)]
        side = [(0.25 * base, 0.0), *side]
        end = [(0.4 * base, tail)]
    else:
        side = [(0.025, 0.0), (0.02, -1)]
        end = [(0.025, tail)]
    right = [*end, *side]
    return np.array([*right, *[(-x, y) for x, y in reversed(right)]])


def draw_dial(turn: float, rng: np.random.Generator, *, clockwise: bool | None = None, held_out: bool = False) -> Dial:
    """Draw a dial from the front.

    Parameters
    ----------
    turn : float
        In turns, clockwise from the top.
    clockwise : bool or None
        The way the numbers run; None draws it.
    held_out : bool
        Draw with the needles and numbers that are kept for tests.

    Returns
    -------
    Dial with a float32 image of 128 x 128 pixels

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import draw_dial
    >>> dial = draw_dial(0.25, np.random.default_rng(1), clockwise=True)
    >>> dial.turn, dial.image.shape
    (0.25, (128, 128, 3))
    """
    clockwise = bool(rng.random() < 0.6) if clockwise is None else clockwise
    paper = colour(rng, 150, 250, 12)
    ink = colour(rng, 5, 80, 12)
    if rng.random() < 0.2:
        paper, ink = ink, paper
    red = np.array([rng.uniform(10, 70), rng.uniform(10, 70), rng.uniform(130, 235)])
    needle_colour = red if rng.random() < 0.5 else ink if rng.random() < 0.75 else colour(rng, 0, 255, 60)
    if np.abs(needle_colour - paper).max() < 80:
        needle_colour = ink
    scale = 2
    size = scale * _SIZE
    image = np.empty((size, size, 3), np.float32)
    image[:] = paper if rng.random() < 0.5 else colour(rng, 60, 245, 15)
    centre = np.array([size / 2, size / 2]) + rng.normal(0, 0.015 * size, 2)
    radius = size * rng.uniform(0.36, 0.47)
    if rng.random() < 0.7:
        _disk(image, centre, radius * 1.04, paper)
        if rng.random() < 0.6:
            cv2.circle(image, _ints(centre), int(radius * 1.04), ink.tolist(), int(rng.integers(1, 9)), cv2.LINE_AA)
    _scale(image, centre, radius, ink if rng.random() < 0.8 else red, clockwise, rng, held_out)

    names = [name for name in NEEDLES if (name in HELD_OUT_NEEDLES) == held_out]
    shape = _needle(str(rng.choice(names)), rng)
    length = radius * rng.uniform(0.5, 1.0)
    angle = 2 * np.pi * turn
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    hub = rng.uniform(0.03, 0.24) * radius
    arms = int(rng.choice([0, 0, 0, 0, 2, 3]))
    mask = np.zeros((size, size), np.float32)
    if arms:  # a hub with short arms: only the long one counts
        for number in range(1, arms + 1):
            other = angle + 2 * np.pi * number / (arms + 1)
            end = centre + rng.uniform(0.2, 0.42) * length * np.array([np.sin(other), -np.cos(other)])
            cv2.line(mask, _ints(centre), _ints(end), 1.0, max(2, int(0.07 * radius)), cv2.LINE_AA)
    corners = centre + length * shape @ rotate.T
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    if rng.random() < 0.75:
        cv2.circle(mask, _ints(centre), int(hub), 1.0, -1, cv2.LINE_AA)
    if rng.random() < 0.4:  # a shadow on the paper
        move = np.float32([[1, 0, rng.uniform(-8, 8)], [0, 1, rng.uniform(0, 10)]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(mask, move, (size, size)), (0, 0), rng.uniform(1, 6))
        image *= 1 - rng.uniform(0.2, 0.5) * shadow[..., None]
    blend(image, mask, needle_colour)
    if rng.random() < 0.4:
        _disk(image, centre, hub * rng.uniform(0.3, 1), colour(rng, 20, 230, 20))
    if rng.random() < 0.25:
        image *= 1 - rng.uniform(0.1, 0.4) * speckle((size, size), rng, 24)[..., None]
    small = cv2.resize(image, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    return Dial(small, float(turn % 1), clockwise)


def _ints(point) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _disk(image: np.ndarray, centre: np.ndarray, radius: float, paint: np.ndarray) -> None:
    cv2.circle(image, _ints(centre), max(1, int(radius)), np.asarray(paint, float).tolist(), -1, cv2.LINE_AA)


def _scale(image, centre, radius, ink, clockwise, rng, held_out) -> None:
    """Marks and numbers, in place; the 0 is at the top."""
    fine = int(rng.choice([1, 2, 5, 10]))
    outer = radius * rng.uniform(0.9, 1.0)
    for number in range(10 * fine):
        long = number % fine == 0
        inner = outer - radius * (0.14 if long else 0.07) * rng.uniform(0.9, 1.1)
        angle = 2 * np.pi * number / (10 * fine)
        way = np.array([np.sin(angle), -np.cos(angle)])
        thick = max(1, int(radius * (0.022 if long else 0.012)))
        cv2.line(image, _ints(centre + inner * way), _ints(centre + outer * way), ink.tolist(), thick, cv2.LINE_AA)
    if rng.random() < 0.15:
        return
    names = (
        ("dejavu-serif", "dejavu-mono")
        if held_out
        else tuple(n for n in LATIN if n not in ("dejavu-serif", "dejavu-mono"))
    )
    drawn = font(str(rng.choice(names)), int(radius * rng.uniform(0.16, 0.3)))
    outside = rng.random() < 0.35
    place = radius * (rng.uniform(1.12, 1.2) if outside else rng.uniform(0.6, 0.78))
    for number in range(10):
        angle = 2 * np.pi * number / 10 * (1 if clockwise else -1)
        mask = drawn.getmask(str(number))
        glyph = np.asarray(mask, np.uint8).reshape(mask.size[::-1]).astype(np.float32) / 255
        x, y = centre + place * np.array([np.sin(angle), -np.cos(angle)]) - np.array(mask.size) / 2
        left, top = max(0, int(x)), max(0, int(y))
        part = image[top : top + glyph.shape[0], left : left + glyph.shape[1]]
        blend(part, glyph[: part.shape[0], : part.shape[1]], ink)


def seen_dial(dial: Dial, rng: np.random.Generator, *, size: int | None = None, hard: float | None = None) -> Dial:
    """A dial cut out of a photograph: not quite centred, a little from the side.

    Parameters
    ----------
    dial : Dial with a float32 image
    size : int or None
        Pixels of a side; None draws one from 32 to 128.

    Returns
    -------
    Dial with a uint8 image

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import draw_dial, seen_dial
    >>> rng = np.random.default_rng(1)
    >>> seen = seen_dial(draw_dial(0.25, rng), rng, size=48)
    >>> seen.image.shape, str(seen.image.dtype)
    ((48, 48, 3), 'uint8')
    """
    hard = rng.uniform(0.1, 0.9) if hard is None else hard
    size = size or int(np.exp(rng.uniform(np.log(32), np.log(128))))
    corners = np.float32([[0, 0], [_SIZE, 0], [_SIZE, _SIZE], [0, _SIZE]])
    scale = rng.uniform(0.92, 1.3)
    angle = np.deg2rad(rng.normal(0, 1.2) * hard)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wanted = (corners - _SIZE / 2) @ turn.T * scale * rng.uniform(0.93, 1.07, 2) + rng.normal(0, 2.5, (4, 2)) * hard
    wanted += _SIZE / 2 + rng.normal(0, 0.035, 2) * _SIZE
    matrix = cv2.getPerspectiveTransform(corners, (wanted * size / _SIZE).astype(np.float32))
    source = dial.image
    if size < 0.7 * _SIZE:
        source = cv2.GaussianBlur(source, (0, 0), 0.42 * _SIZE / size)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.6 else cv2.BORDER_REFLECT
    image = cv2.warpPerspective(source, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    return Dial(photograph(image, rng, hard=hard), dial.turn, dial.clockwise)
