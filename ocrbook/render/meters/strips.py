"""Displays as they are cut out in practice: low, coloured strips, squeezed or stretched, with what stands around."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ocrbook.render.meters.displays import display_style, stencils
from ocrbook.render.meters.scene import blend, speckle

TALL = 72
"""Pixels of a strip's height while it is drawn."""

_MARKS = ("kWh", "kW", "kVAh", "m3", "CUM", "BP", "MD", "R", "Y", "B", "L1", "L2", "T1", "T2", "V", "A", "o")
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)


def draw_strip(rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A strip with the digits of a display, and what they say.

    Returns
    -------
    (uint8 (H, W, 3) in BGR, str)
        H is between 20 and 64. The text has no point; leading zeros are part of it.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import draw_strip
    >>> image, text = draw_strip(np.random.default_rng(1))
    >>> image.dtype.name, image.shape[2], text.isdigit()
    ('uint8', 3, True)
    """
    digits = _digits(rng)
    ink, text = _ink(digits, rng)
    image = _light(ink, rng)
    return _camera(image, rng), text


def _digits(rng: np.random.Generator) -> list[int]:
    """Three to eight digits, often with zeros before them, as counters of every age show them."""
    count = int(rng.choice([3, 4, 5, 6, 7, 8], p=[0.06, 0.14, 0.25, 0.28, 0.2, 0.07]))
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.15 * count - 0.25:  # the more positions, the more of them have never been needed
        digits[: int(rng.integers(1, max(2, count - 1)))] = 0
    return digits.tolist()


def _ink(digits: list[int], rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """The digits, a point, and marks on all sides, float32 (TALL, W)."""
    aspect = float(np.exp(rng.uniform(np.log(0.35), np.log(1.5))))
    slant = float(rng.choice([0.0, rng.uniform(0, 0.12), rng.uniform(0.1, 0.3)], p=[0.25, 0.45, 0.3]))
    style = replace(
        display_style(rng),
        dots=rng.random() < 0.05,
        aspect=aspect,
        slant=slant * max(1.0, aspect / 0.55),
        weight=rng.uniform(0.07, 0.19),
        ghost=float(rng.choice([0.0, rng.uniform(0.02, 0.12), rng.uniform(0.1, 0.3)], p=[0.55, 0.35, 0.1])),
        narrow_one=bool(rng.random() < 0.05),
    )
    tall = round(TALL * rng.uniform(0.5, 0.92))
    top = (TALL - tall) * rng.uniform(0.05, 0.95)
    gap = rng.uniform(0.12, 0.55) * aspect * tall + 0.3 * style.weight * tall
    decimals = int(rng.choice([0, 1, 2, 3], p=[0.35, 0.5, 0.1, 0.05]))
    smaller = float(rng.choice([rng.uniform(0.42, 0.62), rng.uniform(0.6, 0.85), 1.0], p=[0.45, 0.15, 0.4]))
    fainter = rng.uniform(0.35, 1.0) if decimals and rng.random() < 0.5 else 1.0
    left = rng.uniform(0.02, 1.6) * aspect * tall * (rng.random() < 0.85)
    pieces, x, lean = [], left, style.slant * tall / 2
    for index, digit in enumerate(digits):
        decimal = index >= len(digits) - decimals
        size = max(8, round(tall * (smaller if decimal else 1)))
        drawn, wide = stencils(style, size)
        strength = fainter if decimal else 1.0
        level = top + tall - size if rng.random() < 0.93 or not decimal else top
        pieces.append((np.maximum(style.ghost * drawn[10], strength * drawn[digit]), x, level))
        x += wide + gap * (size / tall) ** 0.5
        if decimals and index == len(digits) - decimals - 1 and rng.random() < 0.7:
            dot = max(3, round(style.weight * tall * rng.uniform(0.7, 1.3)))
            mark = np.ones((dot, max(2, round(dot * min(2.0, aspect / 0.55)))), np.float32)
            shift = rng.uniform(-0.5, 0.3) * gap
            pieces.append((mark, x + shift - gap / 2 - lean / 2, top + tall - dot * rng.uniform(0.6, 1.1)))
    right = rng.uniform(0.0, 0.25) * tall if rng.random() < 0.5 else rng.uniform(0.2, 1.6) * tall * max(0.6, aspect)
    start = rng.uniform(0, 2.5) * tall if rng.random() < 0.12 else 0.0  # empty, where a display is much wider
    width = max(24, round(start + x + lean + right))
    ink = np.zeros((TALL, width), np.float32)
    for piece, at, level in pieces:
        _add(ink, piece, round(start + at), round(level))
    if decimals and smaller < 0.62 and rng.random() < 0.4:  # a unit in the room above them
        room = tall * (1 - smaller) - 4
        unit = _stamp(rng, room * rng.uniform(0.5, 0.9))
        _add(ink, unit, round(start + x - decimals * (aspect * tall * smaller + gap) + rng.uniform(0, 6)), round(top))
    _marks(ink, (start + left - gap, start + x), (top, top + tall), rng)
    return ink, "".join(map(str, digits))


def _add(ink: np.ndarray, piece: np.ndarray, left: int, top: int) -> None:
    """Put ink on ink, the stronger wins; what hangs over an edge is cut off."""
    piece = piece[max(0, -top) :, max(0, -left) :]
    part = ink[max(0, top) : max(0, top) + piece.shape[0], max(0, left) : max(0, left) + piece.shape[1]]
    np.maximum(part, piece[: part.shape[0], : part.shape[1]], out=part)


def _stamp(rng: np.random.Generator, tall: float) -> np.ndarray:
    """A mark whose letters are so many pixels high, float32 (H, W)."""
    font, thick, text = _FONTS[rng.integers(len(_FONTS))], int(rng.integers(1, 4)), str(rng.choice(_MARKS))
    size = max(0.2, tall / 22) * (1.6 if font == cv2.FONT_HERSHEY_PLAIN else 1.0)
    (width, height), _ = cv2.getTextSize(text, font, size, thick)
    stamp = np.zeros((height + 6, width + 6), np.float32)
    cv2.putText(stamp, text, (3, height + 2), font, size, 1.0, thick, cv2.LINE_AA)
    return stamp


def _marks(ink: np.ndarray, across: tuple[float, float], down: tuple[float, float], rng: np.random.Generator) -> None:
    """Units, phases and signs beside, above and below the digits, in place; never on them."""
    height, width = ink.shape
    places = [
        (across[1] + rng.uniform(0.0, 0.3) * height, rng.uniform(0.3, 1.0) * height, 0.75),
        (across[1] + rng.uniform(0.0, 0.3) * height, rng.uniform(0.3, 1.1) * height, 0.3),
        (rng.uniform(-0.3, 0.1) * height, rng.uniform(0.3, 1.1) * height, 0.15 if across[0] < 0.4 * height else 0.6),
        (rng.uniform(0, width), down[0] - rng.uniform(1, 5), 0.3),
        (rng.uniform(0, width), down[1] + rng.uniform(0.22, 0.5) * height, 0.35),
    ]
    stretch = np.exp(rng.uniform(-0.2, 0.6))
    for number, (x, y, share) in enumerate(places):
        for _ in range(2):
            if rng.random() > share:
                break
            stamp = _stamp(rng, rng.uniform(0.14, 0.45) * height)
            tall, wide = stamp.shape
            if number == 2 and x + wide * stretch > across[0]:
                break
            if rng.random() < 0.15:  # light letters in a dark box
                stamp = 1 - stamp
            stamp = cv2.resize(stamp, None, fx=stretch, fy=1)
            _add(ink, stamp * rng.uniform(0.5, 1), round(x), round(y - tall))
            x += wide * stretch
    if rng.random() < 0.1:
        row = int(rng.choice([rng.integers(0, 4), rng.integers(height - 4, height)]))
        cv2.line(ink, (0, row), (width, row), 1.0, int(rng.integers(1, 3)))


def _backlight(rng: np.random.Generator) -> np.ndarray:
    """A colour of the whole circle, from gray to fully saturated, BGR."""
    if rng.random() < 0.35:
        hue = rng.choice([rng.normal(60, 8), rng.normal(18, 6), rng.normal(108, 8), rng.normal(75, 10)]) % 180
    else:
        hue = rng.uniform(0, 180)
    saturation = rng.uniform(0, 70) if rng.random() < 0.35 else rng.uniform(70, 255)
    pixel = np.uint8([[[hue, saturation, rng.uniform(100, 255)]]])
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float32)


def _colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of the backlight and of the ink, BGR; faint ink differs by eighteen levels in one channel, at least."""
    while True:
        back, strength = _backlight(rng), rng.uniform(0.12, 0.97) ** 0.7
        dark = back * (1 - strength) + strength * rng.uniform(0, 55, 3)
        if rng.random() < 0.15:  # of another hue
            dark = np.clip(back * (1 - 0.5 * strength) + 0.5 * strength * rng.uniform(0, 255, 3), 0, 255)
        if rng.random() < 0.05:  # light segments on a dark ground
            back, dark = dark * 0.7, np.clip(back * 1.2, 0, 255)
        if np.abs(back - dark).max() >= 18:
            return back, dark


def _light(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A display behind glass: backlight, ink, its shadow, bright and dark ends, reflections. float32 (TALL, W, 3)."""
    height, width = ink.shape
    back, dark = _colours(rng)
    image = np.empty((height, width, 3), np.float32)
    image[:] = back
    across = np.linspace(0, 1, width, dtype=np.float32)
    if rng.random() < 0.45:
        ends = rng.uniform(0.55, 1.35, 3)
        image *= np.interp(across, [0, rng.uniform(0.25, 0.75), 1], ends).astype(np.float32)[None, :, None]
    if rng.random() < 0.3:
        move = np.float32([[1, 0, rng.uniform(0.5, 4)], [0, 1, rng.uniform(0.5, 4)]])
        blend(image, np.float32(rng.uniform(0.1, 0.4)) * cv2.warpAffine(ink, move, (width, height)), dark)
    fade = np.float32(1)
    if rng.random() < 0.3:  # seen from aside, a part of it is fainter
        fade = np.interp(across, [0, rng.uniform(0.2, 0.8), 1], rng.uniform(0.35, 1, 3)).astype(np.float32)[None]
    blend(image, ink * fade, dark)
    for _ in range(int(rng.integers(1, 3)) if rng.random() < 0.35 else 0):  # lamps and windows in the glass
        centre, reach = rng.uniform([0, 0], [width, height]), rng.uniform(0.2, 1.6, 2) * height
        if rng.random() < 0.4:  # at an end, on the first or the last digit
            centre[0] = rng.choice([0, width]) + rng.normal(0, 0.5) * height
        x, y = (np.arange(width) - centre[0]) / reach[0], (np.arange(height) - centre[1]) / reach[1]
        spot = np.exp(-(np.abs(x[None]) ** 2.5 + np.abs(y[:, None]) ** 2.5)).astype(np.float32)
        tint = np.float32(rng.choice([1.0, rng.uniform(0.5, 1)]) * rng.uniform(150, 255) + rng.uniform(-40, 20, 3))
        blend(image, spot * np.float32(rng.uniform(0.15, 0.85)), np.clip(tint, 0, 255))
    if rng.random() < 0.35:
        blend(image, speckle((height, width), rng, int(rng.integers(3, 14))) * np.float32(rng.uniform(0.1, 0.5)),
              rng.uniform(0, 255, 3))  # fmt: skip
    if rng.random() < 0.08:  # a scratch
        a, b = rng.uniform([0, 0], [width, height], (2, 2)).astype(int)
        cv2.line(image, a.tolist(), b.tolist(), rng.uniform(0, 255, 3).tolist(), 1, cv2.LINE_AA)
    if rng.random() < 0.3:  # fog
        veil = np.float32(rng.uniform(0.1, 0.6))
        image = image * (1 - veil) + veil * np.float32(rng.uniform(60, 240))
    return image


def _camera(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut out of a photograph, a little turned and with a piece of the case, small, blurred, noisy: uint8."""
    height, width = image.shape[:2]
    case = np.clip(rng.uniform(10, 235) + rng.uniform(-25, 25, 3), 0, 255)
    tilt = rng.normal(0, 0.02) * height / 30
    turn = np.array([[1, rng.normal(0, 0.04)], [tilt * 30 / height if rng.random() < 0.7 else 0, 1]])
    stretch = np.exp(rng.uniform(-0.25, 0.25))
    size = int(np.exp(rng.uniform(np.log(22), np.log(64)))) if rng.random() < 0.5 else 31
    crop = rng.uniform([-0.03, -0.02, -0.03, -0.02], [0.25, 0.16, 0.25, 0.16]) * height * (rng.random(4) < 0.45)
    scale = size / (height + crop[1] + crop[3])
    out = max(24, round((width + crop[0] + crop[2]) * scale * stretch)), size
    linear = np.diag([scale * stretch, scale]) @ turn
    centre = np.array([width, height]) / 2
    offset = np.diag([scale * stretch, scale]) @ (centre + crop[:2]) - linear @ centre
    if scale < 0.8:
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.35 else cv2.BORDER_CONSTANT
    matrix = np.column_stack([linear, offset])
    image = cv2.warpAffine(image, matrix, out, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=case.tolist())
    if rng.random() < 0.15:  # curved glass
        bend = rng.uniform(-0.08, 0.08) * size * (np.linspace(-1, 1, out[0]) ** 2)
        x, y = np.meshgrid(np.arange(out[0], dtype=np.float32), np.arange(size, dtype=np.float32))
        image = cv2.remap(image, x, (y + bend).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    across = np.linspace(-1, 1, out[0], dtype=np.float32)[None, :, None]
    bright = rng.uniform(0.6, 1.2) if rng.random() < 0.85 else rng.uniform(0.35, 0.6)
    image = image * np.float32(bright) * (1 + np.float32(rng.uniform(-0.3, 0.3)) * across)
    blur = rng.uniform(0, 0.045) * size if rng.random() < 0.6 else 0
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur * rng.uniform(0.5, 1), sigmaY=blur)
    image = image + rng.normal(0, rng.uniform(0.5, 9), image.shape)
    image = np.rint(255 * np.clip(image / 255, 0, 1) ** rng.uniform(0.7, 1.4)).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image
