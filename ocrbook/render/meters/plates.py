"""Photographs of meters, with their truth: a window with the reading, a serial number, and the print around them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font
from ocrbook.page import Page, TextLine
from ocrbook.render.meters.scene import blend
from ocrbook.render.meters.strokes import segments, stroked

METER_STYLES = ("drum", "lcd")
"""How the reading is shown: on rolling drums, or as seven segments."""

METER_FACES = (*LATIN, "round", "square")
"""What the digits of drums are drawn in: typefaces, and two faces of single strokes, as they are engraved."""

_MAKERS = ("Alder", "NORVOLT", "Kiln & Sons", "TESLIN", "华光电表", "滨江仪表", "Ostrava M7", "AQUALINE")
_PRINT = (
    "230V 50Hz", "3x230/400V", "5(60)A", "10(40)A", "1600 imp/kWh", "800 r/kWh", "Cl. 1", "IP54", "单相电能表",
    "Qn 1.5", "PN 16", "T30", "CE 1383", "2019", "MADE IN EU", "户外型",
)  # fmt: skip


@dataclass(frozen=True)
class Meter:
    """What stands on a photograph of a meter.

    Attributes
    ----------
    reading : TextLine
        The window, and its digits; of a drum between two digits the one that shows most.
    serial : TextLine
        The serial number, with what is printed before it.
    print : tuple of TextLine
        All other text.

    Examples
    --------
    >>> from ocrbook.render.meters import render_meter
    >>> _, meter = render_meter(3, style="lcd")
    >>> meter.reading.text in meter.page.texts
    True
    """

    reading: TextLine
    serial: TextLine
    print: tuple[TextLine, ...]

    @property
    def page(self) -> Page:
        """All lines, from top to bottom."""
        lines = (self.reading, self.serial, *self.print)
        return Page(lines=sorted(lines, key=lambda line: line.points[:, 1].mean()))


def _drums(places: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A window of drums, float32 (H, W, 3); `places` says how far each has turned, 3.4 for a 3 on its way to the 4."""
    width, height = size
    face, weight = str(rng.choice(METER_FACES)), rng.uniform(0.1, 0.2)
    drum, ink = rng.uniform(15, 60, 3), rng.uniform(200, 250, 3)
    if rng.random() < 0.35:
        drum, ink = ink, drum
    frame = rng.uniform(20, 200) + rng.uniform(-10, 10, 3)
    pitch, framed = width / len(places), rng.random() < 0.7
    tall = rng.uniform(0.62, 0.8) * height
    digit_size = (max(5, round(min(rng.uniform(0.5, 0.62) * tall, 0.72 * pitch))), max(9, round(tall)))
    step = rng.uniform(1.15, 1.4) * tall  # between two digits of a drum
    decimals = int(rng.choice([0, 0, 1, 2]))
    image = np.empty((height, width, 3), np.float32)
    image[:] = drum if not framed else frame
    for index, place in enumerate(places):
        left, right = round(index * pitch), round((index + 1) * pitch)
        rim = max(1, round(0.06 * pitch)) if framed else 0
        slot = image[rim : height - rim, left + rim : right - rim]
        red = index >= len(places) - decimals
        slot[:] = np.array([40, 40, 170]) + rng.uniform(-20, 20, 3) if red else drum
        shown = ink if not red else np.full(3, 235.0)
        strip = np.zeros((slot.shape[0] + 6 * height, slot.shape[1]), np.float32)
        for offset in (-1, 0, 1, 2):
            digit = stroked(str((int(place) + offset) % 10), face, digit_size, weight)
            top = round(3 * height + slot.shape[0] / 2 + (offset - place % 1) * step - digit_size[1] / 2)
            side = max(0, (slot.shape[1] - digit_size[0]) // 2)
            strip[top : top + digit_size[1], side : side + digit_size[0]] = digit[:, : slot.shape[1] - side]
        blend(slot, strip[3 * height : 3 * height + slot.shape[0]], shown)
    bend = np.cos(np.linspace(-1.25, 1.25, height)) ** rng.uniform(0.3, 0.8)  # the round of the drums
    return image * bend[:, None, None].astype(np.float32)


def _display(digits: str, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A window of seven-segment digits, float32 (H, W, 3)."""
    width, height = size
    back = rng.uniform(120, 200) + np.array([rng.uniform(-25, 10), rng.uniform(0, 20), 0])
    ink = back * rng.uniform(0.1, 0.45)
    if rng.random() < 0.3:  # a lit display
        back, ink = rng.uniform(10, 45, 3), np.array([[60, 60, 240], [90, 235, 120], [240, 190, 90]][rng.integers(3)])
    pitch = width / (len(digits) + 0.4)
    digit_size = (max(5, round(rng.uniform(0.62, 0.78) * pitch)), max(9, round(rng.uniform(0.66, 0.8) * height)))
    weight, ghost = rng.uniform(0.08, 0.15), float(rng.choice([0.0, rng.uniform(0.03, 0.12)]))
    ink_of_all = np.zeros((height, width), np.float32)
    top = (height - digit_size[1]) // 2
    for index, digit in enumerate(digits):
        left = round((index + 0.2) * pitch + (pitch - digit_size[0]) / 2)
        ink_of_all[top : top + digit_size[1], left : left + digit_size[0]] = segments(
            int(digit), digit_size, weight, ghost
        )
    slant = rng.uniform(0, 0.14)
    matrix = np.array([[1, -slant, slant * height / 2], [0, 1, 0]])
    image = np.empty((height, width, 3), np.float32)
    image[:] = back
    blend(image, cv2.warpAffine(ink_of_all, matrix, (width, height)), ink)
    return image


def _write(image: np.ndarray, text: str, corner: tuple[float, float], size: int, face: str, colour) -> TextLine | None:
    """Print a text on an image, in place; None where it would not fit."""
    mask = font(face, size).getmask(text)
    ink = np.asarray(mask, np.uint8).reshape(mask.size[::-1]).astype(np.float32) / 255
    x, y = (round(value) for value in corner)
    height, width = ink.shape
    if x < 2 or y < 2 or x + width > image.shape[1] - 2 or y + height > image.shape[0] - 2:
        return None
    blend(image[y : y + height, x : x + width], ink, colour)
    return TextLine([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], text)


def _face(style: str, size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, Meter]:
    """The plate of a meter from the front, float32 (H, W, 3)."""
    width, height = size
    plate = rng.uniform(150, 245) + rng.uniform(-14, 14, 3)
    dark = rng.uniform(10, 80, 3)
    image = np.empty((height, width, 3), np.float32)
    image[:] = plate
    cv2.rectangle(image, (3, 3), (width - 4, height - 4), (0.8 * plate).tolist(), int(rng.integers(1, 4)))
    count = int(rng.integers(5, 8))
    if style == "drum":
        places = rng.integers(0, 10, count).astype(float)
        places[-1] += rng.choice([0.0, rng.uniform(-0.3, 0.3)])
        places %= 10
        digits = "".join(str(round(place) % 10) for place in places)
    else:
        digits = "".join(map(str, rng.integers(0, 10, count)))
    tall = int(rng.integers(26, 46))
    wide = round(count * tall * rng.uniform(0.55, 0.8))
    x = int(rng.integers(14, width - wide - 14))
    y = int(rng.uniform(0.2, 0.5) * height)
    window = _drums(places, (wide, tall), rng) if style == "drum" else _display(digits, (wide, tall), rng)
    rim = int(rng.integers(1, 5))
    cv2.rectangle(
        image, (x - rim, y - rim), (x + wide + rim - 1, y + tall + rim - 1), rng.uniform(10, 200, 3).tolist(), -1
    )
    image[y : y + tall, x : x + wide] = window
    reading = TextLine([[x, y], [x + wide, y], [x + wide, y + tall], [x, y + tall]], digits)

    small = int(rng.integers(12, 17))
    face = str(rng.choice([*LATIN[:4], "noto-sans-cjk"]))
    number = "".join(map(str, rng.integers(0, 10, int(rng.integers(7, 11)))))
    number = str(rng.choice(["No. ", "Nr ", "S/N ", "№", ""])) + number
    below = y + tall + rim + 8 + rng.uniform(0, 14)
    serial = None
    while serial is None:  # a shorter print where it is too long
        serial = _write(image, number, (rng.uniform(12, width / 3), below), small, "noto-sans-cjk", dark)
    lines: list[TextLine | None] = []
    unit = str(rng.choice(["kWh", "m³", "kW·h"]))
    beside = (x + wide + rim + 6, y + tall * rng.uniform(0.2, 0.6))
    lines.append(_write(image, unit, beside, int(1.3 * small), "dejavu-sans", dark))
    big = int(rng.integers(16, 24))
    lines.append(_write(image, str(rng.choice(_MAKERS)), (rng.uniform(12, width / 2), 10), big, "noto-sans-cjk", dark))
    top = serial.points[2, 1] + 10
    if rng.random() < 0.4:  # a bar code under the number
        bars = np.repeat(rng.random(40) < 0.5, 2)
        left, end = int(serial.points[0, 0]), int(top + 16)
        if end < height - 20 and left + 80 < width:
            image[int(top) : end, left : left + 80] = np.where(bars, 30, 240)[None, :, None]
            top = end + 6
    for row in range(3):
        spot = rng.uniform(12, 40)
        for text in rng.choice(_PRINT, int(rng.integers(0, 4)), replace=False):
            line = _write(image, str(text), (spot, top + row * (small + 9)), small, _chinese(text, face), dark)
            lines.append(line)
            spot += 20 + (line.points[1, 0] - line.points[0, 0] if line else 0)
    for corner in ((10, 10), (width - 11, 10), (10, height - 11), (width - 11, height - 11)):
        if rng.random() < 0.5:
            cv2.circle(image, corner, 4, (0.6 * plate).tolist(), -1, cv2.LINE_AA)
    return image, Meter(reading, serial, tuple(line for line in lines if line))


def _chinese(text: str, face: str) -> str:
    return face if text.isascii() else "noto-sans-cjk"


def render_meter(
    seed: int, *, shape: tuple[int, int] = (288, 384), style: str | None = None
) -> tuple[np.ndarray, Meter]:
    """Draw a photograph of a meter.

    Parameters
    ----------
    seed : int
        Same seed and arguments, same pixels.
    shape : (height, width) in pixels, each at least 240
    style : None or one of `METER_STYLES`
        None draws one at random.

    Returns
    -------
    (uint8 BGR image of shape (H, W, 3), Meter). The plate is turned by up to 12 degrees and seen a little from the
    side; lamp, shadow, lens and JPEG do the rest. One drum, the last, may stand between two digits.

    Raises
    ------
    ValueError
        If the style is unknown or the shape too small.

    Examples
    --------
    >>> from ocrbook.render.meters import render_meter
    >>> image, meter = render_meter(3, shape=(240, 320), style="drum")
    >>> image.shape, meter.reading.text.isdigit()
    ((240, 320, 3), True)
    """
    if style not in (None, *METER_STYLES):
        raise ValueError(f"no style called {style!r}; there are {', '.join(METER_STYLES)}")
    height, width = shape
    if min(shape) < 240:
        raise ValueError(f"a meter needs at least 240 x 240 pixels, got {height} x {width}")
    rng = np.random.default_rng(seed)
    style = style or str(rng.choice(METER_STYLES))
    size = (round(width * rng.uniform(0.78, 0.88)), round(height * rng.uniform(0.74, 0.86)))
    plate, meter = _face(style, size, rng)

    image = np.empty((height, width, 3), np.float32)
    image[:] = rng.uniform(30, 210) + rng.uniform(-20, 20, 3)
    image += cv2.resize(rng.normal(0, 14, (height // 8, width // 8, 1)).astype(np.float32), (width, height))[..., None]
    corners = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32)
    angle = rng.uniform(-0.2, 0.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = (corners - np.array(size) / 2) * rng.uniform(0.96, 1.04, (4, 2)) @ turn.T
    seen *= min(1, *(0.98 * np.array([width, height]) / np.ptp(seen, axis=0)))
    room = np.array([width, height]) - np.ptp(seen, axis=0)
    seen += rng.uniform(0, 1, 2) * room - seen.min(axis=0)
    matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    cover = cv2.warpPerspective(np.ones(size[::-1], np.float32), matrix, (width, height))
    flat = cv2.warpPerspective(plate, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    image = image * (1 - cover[..., None]) + flat * cover[..., None]

    def moved(line: TextLine) -> TextLine:
        return TextLine(cv2.perspectiveTransform(line.points[None], matrix)[0], line.text)

    meter = Meter(moved(meter.reading), moved(meter.serial), tuple(map(moved, meter.print)))
    return _photograph(image, rng), meter


def _photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light, lens, sensor and file: float32 in, uint8 out."""
    height, width = image.shape[:2]
    across, down = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
    slope = rng.uniform(-0.3, 0.3, 2)
    light = rng.uniform(0.65, 1.05) * (1 + slope[0] * across + slope[1] * down)
    image = image * light[..., None]
    if rng.random() < 0.25:  # a lamp in the glass
        centre, reach = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.1, 0.35)
        spot = np.exp(-((across - centre[0]) ** 2 + (down - centre[1]) ** 2) / reach**2)
        image = image + rng.uniform(40, 150) * spot[..., None]
    image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3))
    image = image + rng.normal(0, rng.uniform(1, 8), image.shape)
    image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    quality = int(rng.integers(45, 95))
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
