"""Pointer dials: a needle, a printed scale, a hub."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font
from ocrbook.render.meters.needles import HELD_OUT_NEEDLES, NEEDLES, fat_needle, mark, needle, ways
from ocrbook.render.meters.scene import blend, colour, photograph, speckle
from ocrbook.render.meters.wheels import WHEELS, draw_neighbours, draw_print, draw_wheel, weathered

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


def draw_dial(
    turn: float,
    rng: np.random.Generator,
    *,
    clockwise: bool | None = None,
    held_out: bool = False,
    rich: bool | str = False,
) -> Dial:
    """Draw a dial from the front.

    Parameters
    ----------
    turn : float
        In turns, clockwise from the top; a rich dial may have none, with nan.
    clockwise : bool or None
        The way the numbers run; None draws it.
    held_out : bool
        Draw with the needles and numbers that are kept for tests.
    rich : bool or str
        With what real dials often have and plain ones don't: see `ocrbook.render.meters.wheels`; certainly with a "fat"
        needle, a "mark" on a disc, or one of `WHEELS` if its name is given. The axle may lie beside the middle of the
        scale; the turn is that of the tip as seen from there.

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
    if rich:
        if rng.random() < 0.25:
            draw_neighbours(image, centre, radius, ink, needle_colour, rng)
        if not np.isnan(turn) or rng.random() < 0.5:
            _scale(image, centre, radius, ink, clockwise, rng, held_out)
        image = _mounted(image, centre, radius, 2 * np.pi * turn, (ink, needle_colour), rng, held_out, rich)
        small = cv2.resize(image, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
        return Dial(small, float(turn % 1), clockwise)
    _scale(image, centre, radius, ink if rng.random() < 0.8 else red, clockwise, rng, held_out)

    names = [name for name in NEEDLES if (name in HELD_OUT_NEEDLES) == held_out]
    shape = needle(str(rng.choice(names)), rng)
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


def _mounted(image, centre, radius, angle, inks, rng, held_out, rich) -> np.ndarray:
    """A needle of any kind with what is mounted on its axle, and what light and glass make of it; float32 (H, W, 3)."""
    ink, paint = inks
    bare = bool(np.isnan(angle))
    tip = centre + radius * rng.uniform(0.5, 1.05) * ways(0.0 if bare else angle)
    axle = centre + radius * rng.normal(0, 0.035, 2)
    length, angle = float(np.hypot(*(tip - axle))), float(np.arctan2(tip[0] - axle[0], axle[1] - tip[1]))
    form = rng.choice(["fat", "slim", "mark"], p=[0.42, 0.46, 0.12])
    form = rich if rich in ("fat", "mark") else form
    if form == "mark":
        shape = mark(rng)
    elif form == "fat":
        shape = fat_needle(rng)
    else:
        shape = needle(str(rng.choice([name for name in NEEDLES if (name in HELD_OUT_NEEDLES) == held_out])), rng)
    mask = np.zeros(image.shape[:2], np.float32)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cv2.fillPoly(mask, [np.rint((axle + length * shape @ rotate.T) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    if form == "slim" and rng.random() < 0.75:
        cv2.circle(mask, _ints(axle), int(rng.uniform(0.03, 0.26) * radius), 1.0, -1, cv2.LINE_AA)
    mask *= not bare
    if bare and rng.random() < 0.7:
        draw_print(image, centre, paint, rng)
    wheel = not bare and (form == "mark" or rng.random() < 0.5 or rich in WHEELS)
    above = wheel and form != "mark" and rng.random() < 0.25  # the wheel lies on the needle, whose tip looks out
    if wheel and not above:
        size = length * rng.uniform(1, 1.1) if form == "mark" else radius * rng.uniform(0.35, 1.0)
        kind = "disc" if form == "mark" else rich if rich in WHEELS else None
        reach = draw_wheel(image, axle, size, angle, paint, rng, kind)
        behind = image[mask > 0.5].mean(axis=0) if (mask > 0.5).any() else paint
        if reach > 0.75 * length and np.abs(behind - paint).max() < 90:
            paint = colour(rng, 0, 50, 10) if behind.mean() > 110 else colour(rng, 190, 255, 15)
    if rng.random() < 0.5:
        move = np.float32([[1, 0, rng.uniform(-9, 9)], [0, 1, rng.uniform(-3, 12)]])
        shadow = cv2.GaussianBlur(cv2.warpAffine(mask, move, mask.shape[::-1]), (0, 0), rng.uniform(1, 6))
        image *= 1 - rng.uniform(0.2, 0.55) * shadow[..., None]
    below = image.copy()
    blend(image, mask, paint)
    if rng.random() < 0.4:  # light from one side, and an edge
        edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
        blend(image, rng.uniform(0.1, 0.6) * edge, paint * rng.uniform(0.4, 1.3))
    if rng.random() < 0.15:
        image += (below - image) * rng.uniform(0.1, 0.45)  # a needle that light shines through
    if above:
        draw_wheel(image, axle, length * rng.uniform(0.35, 0.75), angle, paint, rng, rich if rich in WHEELS else None)
    if rng.random() < 0.4:
        _disk(image, axle, radius * rng.uniform(0.02, 0.15), colour(rng, 0, 255, 20))
    if rng.random() < 0.3:  # the scale on the glass above the needle, with its shadow or reflection
        _scale(image, centre + rng.normal(0, 0.03, 2) * radius, radius, ink, True, rng, held_out)
    if rng.random() < 0.25:
        image *= 1 - rng.uniform(0.1, 0.4) * speckle(mask.shape, rng, 24)[..., None]
    return weathered(image, centre, radius, tip, rng)


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


def seen_dial(
    dial: Dial, rng: np.random.Generator, *, size: int | None = None, hard: float | None = None, tilt: float = 0.0
) -> Dial:
    """A dial cut out of a photograph: not quite centred, a little from the side.

    Parameters
    ----------
    dial : Dial with a float32 image
    size : int or None
        Pixels of a side; None draws one from 32 to 128.
    tilt : float
        By how many degrees the camera was turned, beside a little at random; the truth stays that of the scale.

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
    angle = np.deg2rad(rng.normal(0, 1.2) * hard + tilt)
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
