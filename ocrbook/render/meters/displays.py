"""Displays: liquid crystals and light-emitting diodes, in seven segments or dots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ocrbook.render.meters.scene import Window, blend, colour, speckle

BLANK, MINUS = -1, -2
"""What may stand at a display's position besides the digits 0 to 9."""

# Segments a to g: both ends of each, on a grid 1 wide and 2 high; which are lit for each digit, a the lowest bit.
_SEGMENTS = np.array(
    [(0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 1, 2), (0, 2, 1, 2), (0, 1, 0, 2), (0, 0, 0, 1), (0, 1, 1, 1)], float
).reshape(-1, 2, 2)
_LIT = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
_OTHER = {6: 0x7C, 7: 0x27, 9: 0x67}  # 6 and 9 without a tail, 7 with one

# Dots of a 5 x 7 matrix, one number of five bits for each row; the second form where there are two.
_DOTS = {
    0: ((14, 17, 19, 21, 25, 17, 14), (14, 17, 17, 17, 17, 17, 14)),
    1: ((4, 12, 4, 4, 4, 4, 14), (4, 12, 20, 4, 4, 4, 4)),
    2: ((14, 17, 1, 2, 4, 8, 31), (14, 17, 1, 14, 16, 16, 31)),
    3: ((31, 2, 4, 2, 1, 17, 14), (14, 17, 1, 6, 1, 17, 14)),
    4: ((2, 6, 10, 18, 31, 2, 2), (17, 17, 17, 31, 1, 1, 1)),
    5: ((31, 16, 30, 1, 1, 17, 14), (31, 16, 16, 30, 1, 1, 30)),
    6: ((6, 8, 16, 30, 17, 17, 14), (14, 17, 16, 30, 17, 17, 14)),
    7: ((31, 1, 2, 4, 8, 8, 8), (31, 17, 1, 2, 4, 4, 4)),
    8: ((14, 17, 17, 14, 17, 17, 14),),
    9: ((14, 17, 17, 15, 1, 2, 12), (14, 17, 17, 15, 1, 17, 14)),
}


@dataclass(frozen=True)
class DisplayStyle:
    """How a display draws its digits. Lengths are shares of a digit's height.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import numpy as np
    >>> from ocrbook.render.meters import DisplayStyle, display_style
    >>> style = display_style(np.random.default_rng(1))
    >>> isinstance(replace(style, slant=0.1), DisplayStyle)
    True
    """

    dots: bool
    aspect: float  # width by height
    weight: float  # thickness of a segment, or the gap between dots
    gap: float  # between segments
    shape: int  # 0 hexagons, 1 mitred, 2 round ends, 3 plain bars
    slant: float
    ghost: float  # how much of a dark segment shows
    forms: int  # bits: which digits take their other form
    narrow_one: bool


def display_style(rng: np.random.Generator, *, held_out: bool = False) -> DisplayStyle:
    """A style at random; the ones held out are thinner, steeper or have round ends, and are not drawn in training.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import display_style
    >>> display_style(np.random.default_rng(1)) == display_style(np.random.default_rng(1))
    True
    """
    while True:
        style = DisplayStyle(
            dots=rng.random() < 0.22,
            aspect=rng.uniform(0.42, 0.72),
            weight=rng.uniform(0.07, 0.2),
            gap=float(rng.choice([0.0, rng.uniform(0, 0.05)])),
            shape=int(rng.integers(4)),
            slant=max(0.0, rng.normal(0.06, 0.07)),
            ghost=float(rng.choice([0.0, rng.uniform(0.01, 0.1), rng.uniform(0.1, 0.3)], p=[0.5, 0.35, 0.15])),
            forms=int(rng.integers(1 << 10)),
            narrow_one=bool(rng.random() < 0.1),
        )
        special = (style.shape == 2 and style.weight < 0.13) or (style.shape == 1 and style.slant > 0.1)
        if special == held_out:
            return style


@lru_cache(maxsize=64)
def stencils(style: DisplayStyle, height: int) -> tuple[np.ndarray, float]:
    """Ink of ten digits, of all segments lit, and of a minus, float32 (12, height, W); and a digit's width."""
    scale = 3
    tall = scale * height
    wide = round(style.aspect * tall)
    inks = np.zeros((12, tall, wide), np.float32)
    if style.dots:
        pitch = np.array([wide / 5, tall / 7])
        size = np.maximum(1, pitch * (1 - min(0.35, 2 * style.gap + 0.3 * (style.weight - 0.07) / 0.13)))
        for digit in range(12):
            forms = _DOTS.get(digit, ((31,) * 7,) if digit == 10 else ((0, 0, 0, 31, 0, 0, 0),))
            rows = forms[(style.forms >> digit & 1) % len(forms)]
            for y, bits in enumerate(rows):
                for x in range(5):
                    if bits >> (4 - x) & 1:
                        a, b = np.rint(np.array([x, y]) * pitch), np.rint(np.array([x, y]) * pitch + size)
                        cv2.rectangle(inks[digit], a.astype(int).tolist(), (b - 1).astype(int).tolist(), 1.0, -1)
    else:
        thick = style.weight * tall
        for digit in range(12):
            lit = (*_LIT, 0x7F, 0x40)[digit]
            if digit in _OTHER and style.forms >> digit & 1:
                lit = _OTHER[digit]
            for number, ends in enumerate(_SEGMENTS):
                if lit >> number & 1:
                    _segment(inks[digit], ends, thick, style)
        if style.narrow_one:
            inks[1] = np.roll(inks[1], -(wide - round(thick)) // 2, axis=1)
    if style.slant:
        matrix = np.float32([[1, -style.slant, style.slant * tall / 2], [0, 1, 0]])
        lean = round(style.slant * tall / 2)
        inks = np.pad(inks, ((0, 0), (0, 0), (lean, lean)))
        matrix[0, 2] = style.slant * tall / 2
        inks = np.stack([cv2.warpAffine(ink, matrix, (inks.shape[2], tall)) for ink in inks])
    size = (max(3, round(inks.shape[2] / scale)), height)
    return np.stack([cv2.resize(ink, size, interpolation=cv2.INTER_AREA) for ink in inks]), style.aspect * height


def _segment(ink: np.ndarray, ends: np.ndarray, thick: float, style: DisplayStyle) -> None:
    """Draw a segment with its middle line between two corners of the grid, in place."""
    tall, wide = ink.shape
    a, b = thick / 2 + ends / [1, 2] * [wide - thick, tall - thick]
    along = (b - a) / np.linalg.norm(b - a)
    across = np.array([-along[1], along[0]]) * thick / 2
    gap = along * style.gap * tall
    if style.shape == 0:
        a, b = a + gap + 0.06 * thick * along, b - gap - 0.06 * thick * along
        half = along * thick / 2
        corners = [a, a + half + across, b - half + across, b, b - half - across, a + half - across]
    elif style.shape == 1:  # the outer side longer than the inner one
        middle = np.array([wide, tall]) / 2
        outward = across if np.dot((a + b) / 2 + across - middle, across) > 0 else -across
        long, short = 0.45 * thick * along, min(0.525 * thick, 0.42 * np.linalg.norm(b - a)) * along
        a, b = a + gap, b - gap
        inner = np.array([a + short - outward, b - short - outward])
        outer = np.array([a - long + outward, b + long + outward])
        if np.allclose(ends[:, 1], 1):
            inner[:] = [a + short - across, b - short - across]
            outer[:] = [a + short + across, b - short + across]
            corners = [a, outer[0], outer[1], b, inner[1], inner[0]]
        else:
            corners = [outer[0], outer[1], inner[1], inner[0]]
    elif style.shape == 2:
        a, b = a + gap + along * thick * 0.35, b - gap - along * thick * 0.35
        p, q = (tuple(int(v) for v in np.rint(point * 16)) for point in (a, b))
        cv2.line(ink, p, q, 1.0, max(1, round(0.9 * thick)), cv2.LINE_8, 4)
        return
    else:
        a, b = a + gap + along * thick * 0.45, b - gap - along * thick * 0.45
        corners = [a + across, b + across, b - across, a - across]
    cv2.fillConvexPoly(ink, np.rint(np.array(corners) * 16).astype(np.int32), 1.0, cv2.LINE_8, 4)


def draw_display(
    digits: Sequence[int],
    style: DisplayStyle,
    rng: np.random.Generator,
    *,
    decimals: int | None = None,
    point: bool | None = None,
) -> Window:
    """Draw a window with a display.

    Parameters
    ----------
    digits : sequence of int
        0 to 9, `BLANK` or `MINUS`.
    style : DisplayStyle
    decimals : int or None
        How many of the last digits are decimals; None draws it.
    point : bool or None
        Whether a point stands before them; None draws it.

    Returns
    -------
    Window
        Its image is float32 (64, W, 3).

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import BLANK, display_style, draw_display
    >>> rng = np.random.default_rng(1)
    >>> window = draw_display([BLANK, 4, 7, 1], display_style(rng), rng, decimals=1)
    >>> window.text, window.decimals, window.image.shape[0]
    ('471', 1, 64)
    """
    count, height = len(digits), 64
    tall = round(height * rng.uniform(0.5, 0.9))
    if decimals is None:
        decimals = int(rng.choice([0, 0, 1, 2, 3])) if count > 3 else 0
    small = decimals and rng.random() < 0.15  # smaller decimals
    glow = rng.random() < 0.25
    pitch = tall * style.aspect * rng.uniform(1.12, 1.7) + 0.5 * style.slant * tall
    left = rng.uniform(0.1, 0.9) * pitch
    top = (height - tall) * rng.uniform(0.3, 0.7)
    aside = rng.uniform(0.2, 2.2) * pitch if rng.random() < 0.5 else rng.uniform(0.1, 0.7) * pitch
    width = round(left + count * pitch + aside)
    ink = np.zeros((height, width), np.float32)
    boxes = np.zeros((count, 4, 2))
    x = left
    point_shown = decimals and (rng.random() < 0.8 if point is None else point)
    for index, digit in enumerate(digits):
        size = round(tall * (0.72 if small and index >= count - decimals else 1))
        forms, wide = stencils(style, size)
        low = round(top + tall - size)
        drawn = style.ghost * forms[10]
        if digit != BLANK:
            drawn = np.maximum(drawn, forms[11 if digit == MINUS else digit])
        lean = (drawn.shape[1] - wide) / 2
        at = max(0, round(x + (pitch - wide) / 2 - lean))
        _add(ink, drawn, at, low)
        if point_shown and index == count - 1 - decimals:
            dot = max(2, round(style.weight * tall * rng.uniform(0.8, 1.3)))
            mark = np.ones((dot, dot), np.float32)
            if rng.random() < 0.2:  # a comma
                mark = np.pad(mark, ((0, dot // 2), (0, 0)))
                mark[dot:, : dot // 2 + 1] = 1
            _add(ink, mark, round(x + pitch - dot / 2 - 0.25 * style.slant * tall), round(top + tall - dot))
        a, b = x + (pitch - wide) / 2 - 0.04 * tall, x + (pitch + wide) / 2 + 0.04 * tall
        up, down, shift = low - 0.04 * tall, top + 1.04 * tall, style.slant * size / 2
        boxes[index] = [[a + shift, up], [b + shift, up], [b - shift, down], [a - shift, down]]
        x += pitch
    _icons(ink, x, width, tall, rng)
    image = np.empty((height, width, 3), np.float32)
    if glow:
        back = colour(rng, 3, 45, 10)
        shine = np.array([[60, 60, 250], [90, 240, 110], [250, 190, 90], [90, 190, 255], [240, 240, 240]], float)
        light = shine[rng.integers(len(shine))] * rng.uniform(0.6, 1)
        image[:] = back
        bloom = cv2.GaussianBlur(ink, (0, 0), rng.uniform(1, 5)) * rng.uniform(0, 0.5)
        blend(image, np.clip(np.maximum(ink, bloom), 0, 1), light)
    else:
        tint = np.array([rng.uniform(-35, 10), rng.uniform(-5, 25), rng.uniform(-20, 10)])
        back = np.clip(rng.uniform(95, 215) + tint, 0, 255)
        strength = rng.uniform(0.25, 0.95)
        dark = back * (1 - strength) + strength * rng.uniform(0, 50)
        if rng.random() < 0.12:  # negative: light segments on a dark ground
            back, dark = dark, back
        image[:] = back
        if rng.random() < 0.3:  # segments throw a shadow on the mirror behind them
            move = np.float32([[1, 0, rng.uniform(0.5, 3)], [0, 1, rng.uniform(0.5, 3)]])
            blend(image, 0.3 * cv2.warpAffine(ink, move, (width, height)), dark)
        blend(image, ink, dark)
    if rng.random() < 0.2:
        image *= 1 - rng.uniform(0.1, 0.4) * speckle((height, width), rng, 10)[..., None]
    return Window("lcd", image, np.asarray(digits, float), boxes, tuple(int(digit) for digit in digits), decimals)


def _add(ink: np.ndarray, drawn: np.ndarray, left: int, top: int) -> None:
    """Put ink on ink, the stronger wins; what hangs over the edge is cut off."""
    top, left = max(0, top), max(0, left)
    part = ink[top : top + drawn.shape[0], left : left + drawn.shape[1]]
    np.maximum(part, drawn[: part.shape[0], : part.shape[1]], out=part)


def _icons(ink: np.ndarray, start: float, width: int, tall: int, rng: np.random.Generator) -> None:
    """Units and signs beside and above the digits, as on most displays, in place."""
    for text in ("kWh", "m3", "kW", "T1", "L1"):
        if rng.random() < 0.18:
            size = rng.uniform(0.25, 0.5) * tall / 22
            x = int(start + rng.uniform(0.02, 0.4) * tall)
            if x < width - 4:
                cv2.putText(ink, text, (x, int(rng.uniform(0.4, 0.95) * 64)), cv2.FONT_HERSHEY_SIMPLEX, size, 1.0, 1)
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(0, width), rng.choice([rng.uniform(0, 6), rng.uniform(58, 64)])
            half = rng.uniform(1, 4)
            cv2.rectangle(ink, (int(x), int(y - half)), (int(x + 3 * half), int(y + half)), 1.0, -1)
    if rng.random() < 0.12:  # the frame of the display
        cv2.rectangle(ink, (0, 0), (width - 1, 63), 1.0, int(rng.integers(1, 4)))
