"""Documents and single lines, drawn with their truth."""

from __future__ import annotations

import re
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ocrbook.fonts import CHINESE, LATIN, font
from ocrbook.page import Page, TextLine
from ocrbook.render import texts
from ocrbook.render.degrade import degrade

_MARGIN = 2  # pixels between the ink of a line and its polygon


class _Canvas:
    """A sheet that remembers what was written on it. Colours are gray levels or RGB, as in Pillow."""

    def __init__(self, background: Image.Image) -> None:
        self._image = background
        self._draw = ImageDraw.Draw(background)
        self.lines: list[TextLine] = []

    def write(self, position: tuple[float, float], text: str, name: str, size: int, colour) -> float:
        """Write a line at its top left corner where it fits on the sheet; return the y of its lower edge."""
        face = font(name, size)
        left, top, right, bottom = self._draw.textbbox(position, text, font=face)
        if left < 0 or top < 0 or right > self._image.width or bottom > self._image.height:
            return bottom + _MARGIN
        self._draw.text(position, text, font=face, fill=colour)
        left, top, right, bottom = left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN
        self.lines.append(TextLine([[left, top], [right, top], [right, bottom], [left, bottom]], text))
        return bottom

    def rule(self, y: float, colour, left: float, right: float) -> None:
        """A horizontal line across the sheet."""
        self._draw.line([(left, y), (right, y)], fill=colour, width=1)

    def result(self) -> tuple[np.ndarray, Page]:
        """The BGR image and its truth."""
        return cv2.cvtColor(np.asarray(self._image.convert("RGB")), cv2.COLOR_RGB2BGR), Page(lines=self.lines)


def _typeface(language: str, rng: np.random.Generator) -> str:
    return str(rng.choice(LATIN if language == "en" else CHINESE))


def _wrap(text: str, name: str, size: int, width: float) -> list[str]:
    """Break a text into pieces no wider than `width` pixels, between words, or between Chinese characters."""
    pieces = re.findall(r"[\x21-\x7e]+ ?|.", text)
    rows = [""]
    for piece in pieces:
        if rows[-1] and font(name, size).getlength(rows[-1] + piece.rstrip()) > width:
            rows.append("")
        rows[-1] += piece
    return [row.strip() for row in rows]


def _letter(canvas: _Canvas, width: int, height: int, language: str, size: int, colour, rng) -> None:
    face, left = _typeface(language, rng), 0.06 * width
    y = canvas.write((left, 0.05 * height), texts.title(language, rng), face, round(1.4 * size), colour) + size
    for sentence in texts.sentences(language, 16, rng):
        for row in _wrap(sentence, face, size, 0.88 * width):
            if y > height - 2.2 * size:
                return
            y = canvas.write((left, y), row, face, size, colour) + 0.4 * size
        y += rng.uniform(0, 0.5) * size


def _form(canvas: _Canvas, width: int, height: int, language: str, size: int, colour, rng) -> None:
    face, left = _typeface(language, rng), 0.06 * width
    y = canvas.write((left, 0.05 * height), texts.title(language, rng), face, round(1.3 * size), colour) + size
    for name, value in texts.fields(language, 10, rng):
        if y > height - 2.2 * size:
            break
        canvas.write((left, y), name, face, size, colour)
        y = canvas.write((left + 7.5 * size, y), value, face, size, colour) + 0.4 * size
        canvas.rule(y, colour, left, 0.94 * width)
        y += 0.4 * size


def _receipt(canvas: _Canvas, width: int, height: int, language: str, size: int, colour, rng) -> None:
    face, left = _typeface(language, rng), 0.08 * width
    y = canvas.write((0.3 * width, 0.04 * height), texts.title(language, rng), face, round(1.2 * size), colour)
    items = texts.fields(language, 10, rng)
    total = 0.0
    for name, _ in items:
        y += 0.7 * size
        if y > height - 5 * size:
            break
        price = round(float(rng.uniform(1, 300)), 2)
        total += price
        canvas.write((left, y), name, face, size, colour)
        y = canvas.write((0.68 * width, y), f"{price:.2f}", face, size, colour)
    canvas.rule(y + 0.6 * size, colour, left, 0.92 * width)
    canvas.write((left, y + size), "Total" if language == "en" else "合计", face, size, colour)
    canvas.write((0.68 * width, y + size), f"{total:.2f}", face, size, colour)


KINDS: dict[str, Callable[..., None]] = {"letter": _letter, "form": _form, "receipt": _receipt}
"""Kinds of documents by name."""


def _plain(width: int, height: int, rng: np.random.Generator, gray: int = 255) -> Image.Image:
    tint = gray - rng.integers(0, 8, 3)
    return Image.new("RGB", (width, height), tuple(int(value) for value in tint))


def _busy(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """A printed background: a colour gradient, wavy guilloche lines, pale discs and paper grain."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    ends = rng.integers(150, 245, (2, 3))
    mix = np.clip(x * rng.uniform(0, 1) + y * rng.uniform(0, 1), 0, 1)[..., None]
    image = (ends[0] * (1 - mix) + ends[1] * mix + rng.normal(0, 4, (height, width, 1))).clip(0, 255)
    image = np.ascontiguousarray(np.rint(image).astype(np.uint8))
    for _ in range(8):
        colour = [int(value) for value in rng.integers(120, 225, 3)]
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.circle(image, centre, int(rng.integers(20, 120)), colour, int(rng.choice([-1, 3, 6])))
    across = np.arange(0, width, 4)
    for offset in range(-40, height + 40, int(rng.integers(14, 26))):
        wave = offset + 14 * np.sin(across / rng.uniform(30, 60) + rng.uniform(0, 6))
        points = np.stack([across, np.rint(wave)], axis=1).astype(np.int32)
        cv2.polylines(image, [points], False, [int(value) for value in rng.integers(90, 200, 3)], 1, cv2.LINE_AA)
    return Image.fromarray(image)


def render_line(
    text: str,
    *,
    face: str = "noto-sans-cjk",
    size: int = 32,
    ink: tuple[int, int, int] = (20, 20, 20),
    paper: tuple[int, int, int] = (255, 255, 255),
    padding: int = 6,
) -> tuple[np.ndarray, TextLine]:
    """Draw one line of text, cut close, as a recogniser is fed.

    Parameters
    ----------
    text : str
        What to write.
    face : str
        A font of `ocrbook.fonts`.
    size : int
        Font size in pixels.
    ink, paper : (red, green, blue)
    padding : int
        Free pixels around the ink.

    Returns
    -------
    (uint8 BGR image of shape (H, W, 3), TextLine).

    Raises
    ------
    ValueError
        If the text is empty or blank, or the font is unknown.

    Examples
    --------
    >>> from ocrbook.render import render_line
    >>> image, line = render_line("电表 1234", size=24, padding=4)
    >>> line.text, image.ndim, str(image.dtype)
    ('电表 1234', 3, 'uint8')
    """
    if not text.strip():
        raise ValueError("nothing to draw: the text is empty")
    left, top, right, bottom = font(face, size).getbbox(text)
    sheet = Image.new("RGB", (round(right - left) + 2 * padding, round(bottom - top) + 2 * padding), paper)
    canvas = _Canvas(sheet)
    canvas.write((padding - left, padding - top), text, face, size, ink)
    image, page = canvas.result()
    return image, page.lines[0]


def render_document(
    seed: int = 0,
    *,
    language: str = "en",
    kind: str = "letter",
    size: int = 26,
    shape: tuple[int, int] = (560, 640),
    ink: int = 25,
    paper: int = 255,
    busy: bool = False,
) -> tuple[np.ndarray, Page]:
    """Draw a page of text.

    Parameters
    ----------
    seed : int
        Decides words, numbers, typeface and background. Same seed and arguments, same pixels.
    language : "en", "zh" or "mixed"
    kind : str
        One of `KINDS`: "letter", "form" or "receipt".
    size : int
        Font size of the running text in pixels.
    shape : (height, width) in pixels
    ink, paper : int
        Gray levels of writing and paper, 0 black to 255 white.
    busy : bool
        Print on a patterned background instead of plain paper.

    Returns
    -------
    (uint8 BGR image of shape (H, W, 3), Page). Lines that would not fit on the page are left out of both.

    Raises
    ------
    ValueError
        If the language or the kind is unknown.

    Examples
    --------
    >>> from ocrbook.render import render_document
    >>> image, page = render_document(seed=1, kind="receipt", shape=(400, 300))
    >>> image.shape, page.texts[-2]
    ((400, 300, 3), 'Total')
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of document called {kind!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng(seed)
    height, width = shape
    canvas = _Canvas(_busy(width, height, rng) if busy else _plain(width, height, rng, paper))
    KINDS[kind](canvas, width, height, language, size, (ink, ink, ink), rng)
    return canvas.result()


def _family_clean(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    return render_document(seed, language=language, kind=kind, size=int(rng.integers(22, 30)))


def _family_small(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    size = int(rng.integers(6, 10))
    return render_document(seed, language=language, kind=kind, size=size, shape=(22 * size, 27 * size))


def _family_blurred(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    image, page = render_document(seed, language=language, kind=kind, size=24)
    image, page = degrade(image, page, "blur", float(rng.uniform(0.4, 1)), seed)
    return degrade(image, page, "noise", 0.08, seed)


def _family_rotated(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    image, page = render_document(seed, language=language, kind=kind, size=24)
    image, page = degrade(image, page, "rotation", float(rng.uniform(0.3, 1)), seed)
    return degrade(image, page, "perspective", float(rng.uniform(0, 0.5)), seed)


def _family_low_contrast(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    paper = int(rng.integers(90, 220))
    ink = paper - int(rng.integers(8, 20))
    image, page = render_document(seed, language=language, kind=kind, size=24, ink=ink, paper=paper)
    return degrade(image, page, "noise", 0.05, seed)


def _family_busy(seed: int, language: str, kind: str, rng) -> tuple[np.ndarray, Page]:
    ink = int(rng.integers(40, 125))
    return render_document(seed, language=language, kind=kind, size=24, ink=ink, busy=True)


FAMILIES: dict[str, Callable[..., tuple[np.ndarray, Page]]] = {
    "clean": _family_clean,
    "mixed": _family_clean,
    "small": _family_small,
    "blurred": _family_blurred,
    "rotated": _family_rotated,
    "low_contrast": _family_low_contrast,
    "busy": _family_busy,
}
"""Families of `datasets/documents` by name: one control and six ways to be difficult."""


def render_family(family: str, number: int) -> tuple[np.ndarray, Page]:
    """Draw image `number` of a family of `datasets/documents`.

    The family "mixed" is as clean as "clean", with Chinese, Latin letters and digits in one line; the others take
    turns between English and Chinese, and all of them between the kinds of documents.

    Raises
    ------
    ValueError
        If the family is unknown or the number negative.

    Examples
    --------
    >>> from ocrbook.render import render_family
    >>> image, page = render_family("blurred", 0)
    >>> len(page.lines) > 3
    True
    """
    if family not in FAMILIES:
        raise ValueError(f"no family called {family!r}; there are {', '.join(FAMILIES)}")
    if number < 0:
        raise ValueError(f"number must not be negative, got {number}")
    seed = 1000 * list(FAMILIES).index(family) + number
    language = "mixed" if family == "mixed" else ("en", "zh")[number % 2]
    kind = list(KINDS)[number // 2 % len(KINDS)]
    return FAMILIES[family](seed, language, kind, np.random.default_rng(seed + 500))
