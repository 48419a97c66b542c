"""Counters: digits on drums that roll behind a window."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ocrbook.render.meters.faces import HEIGHT, Face
from ocrbook.render.meters.scene import ARRIVED, Window, blend, colour, speckle

STEP = 10  # digits around a drum


def drum_positions(count: int, rng: np.random.Generator, mode: str | None = None) -> tuple[np.ndarray, tuple[int, ...]]:
    """How far each of `count` drums has turned, and the digits to be read.

    Parameters
    ----------
    count : int
        2 or more.
    mode : "counter", "geared", "settled" or None
        A counter's last drum turns steadily, and each other one moves only while the one to its right goes from 9 to 0.
        Geared drums all turn steadily, as pointers do. Settled drums stand. None draws one.

    Returns
    -------
    (float64 (count,) in [0, 10), 3.4 for a 3 that has moved on by 0.4 towards the 4, each off by a little play;
    the digits as in `Window`)

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import drum_positions
    >>> positions, digits = drum_positions(5, np.random.default_rng(1), "settled")
    >>> positions.shape, len(digits)
    ((5,), 5)
    """
    mode = mode or str(rng.choice(["counter", "counter", "settled", "geared"], p=[0.3, 0.3, 0.3, 0.1]))
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.15:
        digits[-int(rng.integers(1, count)) :] = 9  # a carry through several drums
    positions = digits.astype(float)
    part = 0.0 if mode == "settled" else rng.uniform(0, 1)
    positions[-1] += part
    for index in range(count - 2, -1, -1):
        low = positions[index + 1]
        positions[index] += max(0.0, low - 9) if mode == "counter" else low / 10 if mode == "geared" else 0
    reading = int("".join(map(str, digits))) + (part >= ARRIVED)
    play = np.clip(rng.normal(0, rng.choice([0.0, 0.03, 0.06]), count), -0.12, 0.12)
    play[-1] *= mode == "settled"
    text = f"{reading % 10**count:0{count}d}"
    return (positions + play) % 10, tuple(map(int, text))


def counter_positions(reading: float, count: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """A counter without play that stands at a number; what does not fit on its drums is left out. As `drum_positions`.

    Parameters
    ----------
    reading : float
        In units of the last drum; its fraction says how far that one has gone on.

    Examples
    --------
    >>> from ocrbook.render.meters import counter_positions
    >>> positions, digits = counter_positions(1234.5, 5)  # half way from 4 to 5
    >>> positions.tolist(), digits
    ([0.0, 1.0, 2.0, 3.0, 4.5], (0, 1, 2, 3, 4))
    """
    number, part = divmod(reading % 10**count, 1)
    positions = [number % 10 + part]
    for place in range(1, count):
        positions.append(number // 10**place % 10 + max(0.0, positions[-1] - 9))
    text = f"{(int(number) + (part >= ARRIVED)) % 10**count:0{count}d}"
    return np.array(positions[::-1]) % 10, tuple(map(int, text))


def _strip(face: Face, size: tuple[int, int], step: float, cell: int) -> np.ndarray:
    """Ten digits and the first again, one under the other, float32 (11 steps, cell) between 0 and 1."""
    width, height = size
    strip = np.zeros((round(11 * step), cell), np.float32)
    for place in range(11):
        ink = cv2.resize(face[place % 10], size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        top, left = round((place + 0.5) * step - height / 2), (cell - width) // 2
        cut = max(0, -left)
        ink = ink[:, cut : cut + min(cell, width)]
        strip[top : top + height, max(0, left) : max(0, left) + ink.shape[1]] = ink
    return strip


def draw_drums(
    positions: Sequence[float],
    digits: Sequence[int],
    faces: Sequence[Face],
    rng: np.random.Generator,
    *,
    decimals: int | None = None,
) -> Window:
    """Draw a window with drums.

    Parameters
    ----------
    positions, digits : as `drum_positions` gives them
    faces : sequence of Face
        One is chosen.
    decimals : int or None
        How many of the last drums are decimals, on most counters marked in red; None draws it.

    Returns
    -------
    Window
        Its image is float32 (64, W, 3).

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import counter_positions, draw_drums, invented_face
    >>> window = draw_drums(*counter_positions(1234, 5), [invented_face(3)], np.random.default_rng(1), decimals=2)
    >>> window.text, window.boxes.shape
    ('01234', (5, 4, 2))
    """
    count = len(positions)
    face = faces[rng.integers(len(faces))]
    height = 64
    tall = round(height * rng.uniform(0.36, 0.84))
    wide = round(np.clip(face.shape[2] / HEIGHT * tall * rng.uniform(0.8, 1.3), 0.3 * tall, 0.95 * tall))
    pitch = wide * rng.uniform(1.12, 2.1)
    step = tall * rng.uniform(1.08, 2.05)
    framed = rng.random() < 0.55
    gap = int(rng.integers(1, max(2, round(0.22 * pitch)))) if framed else int(rng.integers(0, 3))
    rim = int(rng.integers(1, 9)) if framed else int(rng.integers(0, 5))
    step = min(step, height - 2 * rim + 0.2 * tall)  # of a drum half-way, at least two fifths of both digits are seen
    margin = int(rng.integers(0, 8))
    slot_width = max(wide, round(pitch) - gap)
    width = 2 * margin + count * (slot_width + gap)
    if decimals is None:
        decimals = int(rng.choice([0, 0, 1, 2, 3]))
    ground, ink = _colours(rng)
    frame = colour(rng, 5, 235, 14)
    red = np.array([rng.uniform(20, 70), rng.uniform(20, 70), rng.uniform(120, 225)])
    red_mode = int(rng.integers(4))  # what is red: frame, ground, ink, nothing
    image = np.empty((height, width, 3), np.float32)
    image[:] = frame
    radius = STEP * step / (2 * np.pi)
    level = height / 2 + rng.uniform(-0.07, 0.07) * height  # of the middle of a settled digit
    rows = np.arange(height) + 0.5 - level
    around = np.arcsin(np.clip(rows / radius, -0.98, 0.98)) if rng.random() < 0.8 else rows / radius
    shade = np.cos(np.clip(around, -1.5, 1.5)) ** rng.uniform(0, 1.6)
    strip = _strip(face, (wide, tall), step, slot_width)
    if rng.random() < 0.3:  # thicker or thinner than the face is
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, tuple(int(v) for v in rng.integers(2, 4, 2)))
        strip = cv2.dilate(strip, pen) if rng.random() < 0.5 else cv2.erode(strip, pen)
    if rng.random() < 0.3:  # moulded or painted, not printed: no line is quite straight
        bend = rng.normal(0, 0.022 * tall, (max(3, round(11 * step / tall * 2)), 3, 2)).astype(np.float32)
        bend = cv2.resize(bend, strip.shape[::-1], interpolation=cv2.INTER_CUBIC)
        x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in strip.shape[::-1]))
        strip = cv2.remap(strip, x + bend[..., 0], y + bend[..., 1], cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        strip *= 1 - rng.uniform(0.2, 0.8) * speckle(strip.shape, rng, 4)  # worn
    strip *= rng.uniform(0.55, 1) if rng.random() < 0.4 else 1
    if rng.random() < 0.35:
        strip = strip + _side_marks(strip.shape, step, rng)
    boxes, slots = np.zeros((count, 4, 2)), []
    for index, position in enumerate(positions):
        left = margin + index * (slot_width + gap) + gap // 2
        places = ((position + 0.5) * step + around * radius) % (STEP * step)
        columns = np.arange(slot_width, dtype=np.float32) - rng.normal(0, 0.02) * slot_width
        shown = cv2.remap(
            strip,
            np.broadcast_to(columns, (height, slot_width)).astype(np.float32),
            np.broadcast_to(places[:, None], (height, slot_width)).astype(np.float32),
            cv2.INTER_LINEAR,
        )
        if index == count - 1 and rng.random() < 0.35:
            _ticks(shown, places, step, rng)
        special = index >= count - decimals
        paper, pen = ground, ink
        if special and red_mode == 1:
            paper, pen = red, np.full(3, 240.0)
        elif special and red_mode == 2 and np.abs(red - ground).max() > 80:
            pen = red
        slot = image[rim : height - rim, left : left + slot_width]
        slot[:] = paper * rng.uniform(0.9, 1.06)
        blend(slot, np.clip(shown[rim : height - rim], 0, 1), pen)
        slot *= shade[rim : height - rim, None, None].astype(np.float32)
        slots.append(slot)
        if special and red_mode == 0:
            image[:, left - gap : left][:] = red
            image[:, left + slot_width : left + slot_width + gap][:] = red
        middle, half = left + slot_width / 2, min(slot_width / 2, 0.62 * wide)
        up, down = level - tall * 0.58, level + tall * 0.58
        boxes[index] = [[middle - half, up], [middle + half, up], [middle + half, down], [middle - half, down]]
    _mirror_lamps(slots, rng.spawn(1)[0])
    if framed and rng.random() < 0.3:  # bevels throw a shadow on the drums
        image[rim : rim + 4] *= rng.uniform(0.4, 0.9)
    if rng.random() < 0.25:
        image *= 1 - rng.uniform(0.1, 0.5) * speckle(image.shape[:2], rng, 10)[..., None]
    return Window("drum", image, np.asarray(positions, float), boxes, tuple(digits), decimals)


def _mirror_lamps(slots: Sequence[np.ndarray], rng: np.random.Generator) -> None:
    """Lamps mirrored in drums that shine, in place: bright lines along the axis, at the same height on all drums."""
    if rng.random() > 0.25:
        return
    height, width = slots[0].shape[:2]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)
    for _ in range(int(rng.integers(1, 3))):
        level, thick = rng.uniform(0, height), rng.uniform(0.015, 0.07) * height
        middle, reach, edge = rng.uniform(0, width), rng.uniform(0.15, 0.9) * width, rng.uniform(2, 8)
        light, steps = colour(rng, 50, 255, 25), rng.normal(0, 0.04, len(slots)) * width
        for slot, step in zip(slots, steps, strict=True):
            across = np.exp(-(np.abs((columns - middle - step) / reach) ** edge))
            slot += (np.exp(-(((rows - level) / thick) ** 2)) * across)[..., None] * light.astype(np.float32)


def _colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ground and ink."""
    dark, light = colour(rng, 8, 85, 12), colour(rng, 165, 252, 14)
    draw = rng.random()
    if draw < 0.5:
        return dark, light
    if draw < 0.82:
        return light, dark
    strong = np.array([rng.uniform(10, 80), rng.uniform(10, 80), rng.uniform(110, 220)])
    strong = strong if rng.random() < 0.75 else strong[rng.permutation(3)]
    return (light, strong) if rng.random() < 0.6 else (strong, light)


def _ticks(shown: np.ndarray, places: np.ndarray, step: float, rng: np.random.Generator) -> None:
    """The scale beside the last drum, ten or five marks to a digit, in place."""
    marks = step / float(rng.choice([10, 10, 5, 2]))
    lines = (np.abs((places / marks + 0.5) % 1 - 0.5) * marks < rng.uniform(0.8, 1.6)).astype(np.float32)
    long = max(2, round(rng.uniform(0.08, 0.25) * shown.shape[1]))
    side = shown[:, -long:] if rng.random() < 0.85 else shown[:, :long]
    np.maximum(side, lines[:, None], out=side)


def _side_marks(shape: tuple[int, int], step: float, rng: np.random.Generator) -> np.ndarray:
    """The teeth or holes along one or both edges of a drum, which move with its digits."""
    marks = np.zeros(shape, np.float32)
    every, long = step / float(rng.choice([1, 2, 2, 3])), max(2, round(rng.uniform(0.06, 0.2) * shape[1]))
    tall = max(2, round(rng.uniform(0.15, 0.5) * every))
    for top in np.arange(rng.uniform(0, every), shape[0], every):
        marks[round(top) : round(top) + tall, :long] = 1
    side = rng.integers(3)
    if side == 1:
        return marks[:, ::-1]
    return np.maximum(marks, marks[:, ::-1]) if side == 2 else marks
