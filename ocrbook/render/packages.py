"""Packages with dates and batch codes, as an ink-jet, a laser or a label printer leaves them, with their truth."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font
from ocrbook.page import Page, TextLine

# Characters of an ink-jet printer, 5 dots wide and 7 high: one letter per row of dots, A = none ... f = all five.
_CODE = {chr(ord("A") + i) if i < 26 else chr(ord("a") + i - 26): i for i in range(32)}
_DOTS = {
    "0": "ORTVZRO", "1": "EMEEEEO", "2": "ORBCEIf", "3": "fBCGBRO", "4": "CGKSfCC", "5": "fQeBBRO", "6": "GIQeRRO",
    "7": "fBCEIII", "8": "ORRORRO", "9": "ORRPBCM", "A": "ORRfRRR", "B": "eRReRRe", "C": "ORQQQRO", "D": "eRRRRRe",
    "E": "fQQeQQf", "F": "fQQeQQQ", "G": "ORQXRRP", "H": "RRRfRRR", "I": "OEEEEEO", "J": "HCCCCSM", "K": "RSUYUSR",
    "L": "QQQQQQf", "M": "RbVVRRR", "N": "RZVVTRR", "O": "ORRRRRO", "P": "eRReQQQ", "Q": "ORRRVSN", "R": "eRReUSR",
    "S": "PQQOBBe", "T": "fEEEEEE", "U": "RRRRRRO", "V": "RRRRRKE", "W": "RRRVVVK", "X": "RRKEKRR", "Y": "RRKEEEE",
    "Z": "fBCEIQf", ".": "AAAAAMM", ":": "AMMAMMA", "/": "ABCEIQA", "-": "AAAfAAA", " ": "AAAAAAA",
}  # fmt: skip

CODE_CHARACTERS = "".join(sorted(set(_DOTS) - {" "}))
"""What a code is made of, without the space, in the order of their code points."""

CODE_STYLES = ("dots", "print")
"""How a code is printed: as single dots of an ink-jet, or in a typeface."""

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # as on real packages, without I, O and Q, which look like 1 and 0


def code_text(rng: np.random.Generator) -> str:
    """A date, a time or a batch code, 4 to 12 characters."""
    year, month, day = int(rng.integers(2024, 2030)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    letters = [_LETTERS[i] for i in rng.integers(0, len(_LETTERS), 6)]
    digits = rng.integers(0, 10, 8).tolist()
    number = "".join(map(str, digits))
    mixed = "".join(number[i] if keep else letters[i] for i, keep in enumerate(rng.random(6) < 0.5))
    forms = (
        f"{year}.{month:02d}.{day:02d}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day:02d}/{month:02d}/{year % 100}",
        f"EXP {day:02d}/{month:02d}/{year % 100}",
        f"BB {month:02d}.{year}",
        f"MFD {year % 100}.{month:02d}.{day:02d}",
        f"LOT {letters[0]}{number[:4]}",
        f"L{number[: rng.integers(4, 8)]}",
        f"{digits[0] % 2}{digits[1]}:{digits[2] % 6}{digits[3]} {letters[0]}{digits[4]}",
        f"LOT:{mixed[:5]}",
        mixed,
        f"{mixed[:3]}-{mixed[3:]}",
    )
    return forms[int(rng.integers(len(forms)))]


_PLACES = {
    character: np.array(
        [(column, row) for row, code in enumerate(rows) for column in range(5) if _CODE[code] >> (4 - column) & 1],
        dtype=np.float64,
    ).reshape(-1, 2)
    for character, rows in _DOTS.items()
}  # (column, row) of each dot


def _dot_matrix(text: str, height: int, rng: np.random.Generator) -> np.ndarray:
    """Ink of dots on a wobbling grid: float32 (height + 4, W) between 0 and 1."""
    pitch = height / 7
    wide = pitch * rng.uniform(0.75, 1.3)  # a faster belt stretches the code
    slant = rng.uniform(-0.2, 0.2)
    radius = pitch * rng.uniform(0.22, 0.44)  # from dots that stand alone to dots that melt together
    advance = 5 + int(rng.integers(1, 3))
    places = np.concatenate([_PLACES[c] + [advance * i, 0] for i, c in enumerate(text)])
    wobble = rng.normal(0, 0.1 * pitch, (advance * len(text), 2))[places[:, 0].astype(int)]
    printed = rng.random(len(places)) > 0.02
    if rng.random() < 0.1:
        printed &= places[:, 1] != rng.integers(7)  # a clogged nozzle
    lean = slant * pitch * np.where(slant < 0, -places[:, 1], 6 - places[:, 1]) * np.sign(slant)
    x = (places[:, 0] + 0.5) * wide + np.abs(lean) + wobble[:, 0] + 2
    y = (places[:, 1] + 0.5) * pitch + wobble[:, 1] + 2
    ink = np.zeros((height + 4, int(x.max() + pitch) + 2), np.uint8)
    centres = np.rint(16 * np.stack([x, y], axis=1)).astype(int)[printed].tolist()
    for centre in centres:
        cv2.circle(ink, centre, round(16 * radius), 255, -1, cv2.LINE_AA, 4)
    return ink.astype(np.float32) / 255


def _typeset(text: str, height: int, rng: np.random.Generator) -> np.ndarray:
    """Ink of a typeface whose capitals are `height` pixels high: float32 (H, W) between 0 and 1."""
    face = font(str(rng.choice(LATIN)), max(6, round(height / 0.73)))
    mask = face.getmask(text)
    ink = np.asarray(mask, np.uint8).reshape(mask.size[::-1])
    return np.pad(ink, 1).astype(np.float32) / 255


def _ink(text: str, height: int, style: str, rng: np.random.Generator) -> np.ndarray:
    return _dot_matrix(text, height, rng) if style == "dots" else _typeset(text, height, rng)


@cache
def _noise_sheet() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((1024, 1024), np.float32)


def _noise(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise, float32 (height, width): a random window of one sheet, which is faster than drawing it anew."""
    y, x = rng.integers(0, 1024, 2)
    rows, columns = (y + np.arange(height)) % 1024, (x + np.arange(width)) % 1024
    return _noise_sheet()[rows[:, None], columns]


def _surface(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Carton, foil or plastic: float32 (H, W, 3) with a slow change of light and some grain."""
    colour = rng.uniform(95, 250) + rng.uniform(-35, 35, 3)
    if rng.random() < 0.2:
        colour = rng.uniform(15, 80) + rng.uniform(-12, 12, 3)
    slope = rng.uniform(-28, 28, 2)
    across, down = np.linspace(-0.5, 0.5, width)[None], np.linspace(-0.5, 0.5, height)[:, None]
    light = across * slope[0] + down * slope[1]
    grain = _noise(height, width, rng) * rng.uniform(0.5, 6)
    return (light + grain)[..., None].astype(np.float32) + colour.astype(np.float32)


def _colour_on(surface: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour of ink that stands out from a surface by 45 gray levels or more."""
    level = float(surface.mean())
    contrast = rng.uniform(60, 170)
    towards = level - contrast if level > 120 else level + contrast
    return np.clip(towards + rng.uniform(-15, 15, 3), 0, 255).astype(np.float32)


def _finish(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The camera: a little blur and noise, and 8 bits."""
    sigma = rng.uniform(0.01, 0.9)
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    height, width, channels = image.shape
    image = image + _noise(height, width * channels, rng).reshape(image.shape) * np.float32(rng.uniform(0, 8))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _check(style: str | None) -> None:
    if style not in (None, *CODE_STYLES):
        raise ValueError(f"no style called {style!r}; there are {', '.join(CODE_STYLES)}")


def render_code(seed: int, *, style: str | None = None, text: str | None = None) -> tuple[np.ndarray, TextLine]:
    """Draw one date or batch code, cut out as a detector would cut it: loosely, now and then a little askew.

    Parameters
    ----------
    seed : int
        Same seed and arguments, same pixels.
    style : None or one of `CODE_STYLES`
        None draws one at random.
    text : None or str
        What to print, in `CODE_CHARACTERS` and the space; None makes a text.

    Returns
    -------
    (uint8 BGR image of shape (H, W, 3), 20 <= H <= 60, TextLine).

    Raises
    ------
    ValueError
        If the style is unknown, or the text is blank or has a character that the printer does not know.

    Examples
    --------
    >>> from ocrbook.render import render_code
    >>> image, line = render_code(seed=5, style="dots", text="LOT 2741")
    >>> line.text, 20 <= image.shape[0] <= 60
    ('LOT 2741', True)
    """
    _check(style)
    rng = np.random.default_rng(seed)
    made = code_text(rng)
    text = made if text is None else text
    if not text.strip() or not set(text) <= set(_DOTS):
        raise ValueError(f"can't print {text!r}: only {CODE_CHARACTERS} and spaces between them")
    ink = _ink(text, int(rng.integers(16, 40)), style or str(rng.choice(CODE_STYLES)), rng)
    height, width = ink.shape
    left, right = rng.uniform(0, 0.5, 2) * height
    top, bottom = rng.uniform(0.0, 0.3, 2) * height
    full = (round(height + top + bottom) + 1, round(width + left + right) + 1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    tilt = rng.normal(0, 0.03) * height
    moved = corners + np.array([left, top]) + rng.normal(0, 0.03 * height, (4, 2))
    moved[1:3, 1] += tilt
    moved[[0, 3], 1] -= tilt
    moved = np.clip(moved, 0, [full[1], full[0]])
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    covered = cv2.warpPerspective(ink, matrix, full[::-1])[..., None]
    surface = _surface(*full, rng)
    image = _finish(surface * (1 - covered) + _colour_on(surface, rng) * covered, rng)
    return image, TextLine(moved, text)


def _decorate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw what is on packages and is not text: panels, rings, a bar code. The mask returned is 1 on the bar code."""
    taken = np.zeros(image.shape[:2], np.uint8)
    height, width = image.shape[:2]
    for _ in range(rng.integers(1, 4)):
        corner = rng.integers(0, [width, height])
        size = rng.integers(20, [width // 2, height // 2])
        colour = rng.uniform(20, 250, 3)
        if rng.random() < 0.6:
            cv2.rectangle(image, corner.tolist(), (corner + size).tolist(), colour.tolist(), -1)
        else:
            cv2.circle(image, corner.tolist(), int(size[0] // 2), colour.tolist(), int(rng.integers(1, 8)), cv2.LINE_AA)
    if rng.random() < 0.5:
        x, y = rng.integers(0, [width - 60, height - 30])
        for sheet, value in ((image, (245, 245, 245)), (taken, 1)):
            cv2.rectangle(sheet, (int(x) - 4, int(y) - 3), (int(x) + 62, int(y) + 30), value, -1)
        bars = np.repeat(rng.random(30) < 0.5, 2)
        image[y : y + 26, x : x + 60][:, bars] = 20
    return taken


def render_package(
    seed: int, *, shape: tuple[int, int] = (256, 256), style: str | None = None
) -> tuple[np.ndarray, Page]:
    """Draw the face of a package with one to five codes on it; fewer or none where there is no room for them.

    Parameters
    ----------
    seed : int
        Same seed and arguments, same pixels.
    shape : (height, width) in pixels, each at least 128
    style : None or one of `CODE_STYLES`
        None draws one at random for each code.

    Returns
    -------
    (uint8 BGR image of shape (H, W, 3), Page). The codes of one package share an angle of up to 12 degrees, do not
    overlap, and come from top to bottom.

    Raises
    ------
    ValueError
        If the style is unknown or the shape too small.

    Examples
    --------
    >>> from ocrbook.render import render_package
    >>> image, page = render_package(seed=3, shape=(256, 320))
    >>> image.shape, 1 <= len(page.lines) <= 5
    ((256, 320, 3), True)
    """
    _check(style)
    height, width = shape
    if min(shape) < 128:
        raise ValueError(f"a package needs at least 128 x 128 pixels, got {height} x {width}")
    rng = np.random.default_rng(seed)
    image = _surface(height, width, rng)
    taken = _decorate(image, rng)
    angle = rng.choice([0.0, rng.uniform(-0.2, 0.2)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lines: list[TextLine] = []
    wanted = rng.integers(1, 6)
    for _ in range(6 * wanted):
        if len(lines) == wanted:
            break
        text = code_text(rng)
        ink = _ink(text, int(rng.integers(14, 28)), style or str(rng.choice(CODE_STYLES)), rng)
        sides = ink.shape[1], ink.shape[0]
        corners = (np.array([[0, 0], [sides[0], 0], sides, [0, sides[1]]]) - np.array(sides) / 2) @ turn.T
        reach = np.abs(corners).max(axis=0) + 4
        if (reach * 2 > [width, height]).any():
            continue
        points = corners + rng.uniform(reach, np.array([width, height]) - reach)
        around = corners * (1 + 12 / np.array(sides).min()) + points.mean(axis=0)
        region = cv2.fillConvexPoly(np.zeros(shape, np.uint8), np.rint(around).astype(np.int32), 1)
        if (region & taken).any():
            continue
        taken |= region
        x, y, w, h = cv2.boundingRect(np.rint(points).astype(np.int32))
        x, y = max(x - 6, 0), max(y - 6, 0)
        window = image[y : y + h + 12, x : x + w + 12]
        origin = points - [x, y]
        source = np.array([[0, 0], [sides[0], 0], [0, sides[1]]], np.float32)
        matrix = cv2.getAffineTransform(source, origin[[0, 1, 3]].astype(np.float32))
        covered = cv2.warpAffine(ink, matrix, window.shape[1::-1])[..., None]
        if rng.random() < 0.5:  # on a label of its own
            label = np.zeros(window.shape[:2], np.uint8)
            cv2.fillConvexPoly(label, np.rint(around - points[0] + origin[0]).astype(np.int32), 1)
            window[label > 0] = _surface(*window.shape[:2], rng)[label > 0]
        local = window[(covered > 0.3)[..., 0]]
        window[:] = window * (1 - covered) + _colour_on(local, rng) * covered
        lines.append(TextLine(points, text))
    lines.sort(key=lambda line: line.points[:, 1].mean())
    return _finish(image, rng), Page(lines=lines)
