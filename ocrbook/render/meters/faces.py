"""What digits of meters are drawn with: invented faces of strokes, and typefaces of packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import ImageFont

from ocrbook.fonts import font_path

HEIGHT = 72
"""Pixels of a digit in a face, from its top to its bottom."""

Face = np.ndarray
"""Ink of ten digits, uint8 (10, HEIGHT, W); each fills the height and stands in the middle of the width."""

HELD_OUT_FONTS = (
    "noto-sans-cjk", "noto-serif-cjk", "dejavu-sans", "dejavu-sans-bold", "dejavu-serif", "dejavu-mono", "stix",
)  # fmt: skip
"""Typefaces that no network of `ocrbook.meters` was trained on."""


@dataclass(frozen=True)
class _Bowl:
    """How the bowls of a face bend: superellipses, or flat sides joined by round corners."""

    power: float
    flat: tuple[float, float] | None  # the shares of a half-width and a half-height that are bent

    def arc(self, centre, radii, start: float, end: float) -> np.ndarray:
        """Points (N, 2); angles in degrees, 0 to the right, 90 down."""
        angles = np.deg2rad(np.linspace(start, end, 48))
        unit = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        if self.flat:
            unit = np.sign(unit) * (1 - np.array(self.flat) * (1 - np.abs(unit)))
        else:
            unit = np.sign(unit) * np.abs(unit) ** (2 / self.power)
        if end - start >= 360:  # closed, also where sides are flat
            unit = np.concatenate([unit[1:-1], unit[1:2]])
        return np.asarray(centre) + unit * radii


def _round_off(points: Sequence, by: float) -> np.ndarray:
    """A line whose corners are cut off three times (Chaikin, 1974), each by the share `by` of its sides."""
    line = np.asarray(points, float)
    for _ in range(3 if by > 0.02 else 0):
        near, far = (1 - by) * line[:-1] + by * line[1:], by * line[:-1] + (1 - by) * line[1:]
        line = np.concatenate([line[:1], np.stack([near, far], axis=1).reshape(-1, 2)[1:-1], line[-1:]])
    return line


def _strokes(rng: np.random.Generator) -> list[list[np.ndarray]]:
    """The strokes of ten digits on a grid from (0, 0) at the top left to (1, 1)."""
    square = rng.random() < 0.35  # bowls with flat sides
    flat = rng.random()
    if square:
        bend = _Bowl(rng.uniform(3.5, 14), tuple(rng.uniform(0.1, 0.7, 2)) if flat < 0.6 else None).arc
    else:
        bend = _Bowl(rng.uniform(1.9, 3.2), (1.0, rng.uniform(0.35, 0.9)) if flat < 0.4 else None).arc
    waist = rng.uniform(0.42, 0.53)
    inset = rng.uniform(0, 0.09)
    corner = float(rng.choice([0.0, rng.uniform(0.04, 0.25)]))
    straight = rng.random() < (0.6 if square else 0.12)  # 2, 5, 6 and 9 of straight lines
    low = ((0.5, (1 + waist) / 2), (0.5, (1 - waist) / 2))
    high = ((0.5, waist / 2), (0.5 - inset, waist / 2))

    digits: list[list[np.ndarray]] = [[bend((0.5, 0.5), (0.5, 0.5), 0, 360)]]
    if rng.random() < 0.04:
        digits[0].append(np.array([(0.25, 0.8), (0.75, 0.2)]))

    stem = float(rng.choice([0.5, rng.uniform(0.45, 0.75)]))
    one = [np.array([(stem, 0), (stem, 1)])]
    flag = rng.random()
    if flag < 0.4:
        one.append(np.array([(stem, 0), (stem - rng.uniform(0.15, 0.45), rng.uniform(0.08, 0.3))]))
    elif flag < 0.55:  # written by hand, the flag is as long as half the stem
        one.append(np.array([(stem, 0), (stem - rng.uniform(0.35, 0.75), rng.uniform(0.3, 0.65))]))
    elif flag < 0.68:
        one.append(_round_off([(stem, 0), (stem - 0.08, 0.1), (stem - 0.3, 0.16)], 0.2))
    if rng.random() < 0.2:
        foot = rng.uniform(0.18, 0.36)
        one.append(np.array([(stem - foot, 1), (stem + foot, 1)]))
    digits.append(one)

    if straight:
        two = _round_off([(0, rng.choice([0.0, 0.12])), (0, 0), (1, 0), (1, waist), (0, waist), (0, 1), (1, 1)], corner)
        digits.append([two])
    else:
        end = rng.uniform(20, 50)
        neck = bend((0.5, waist * 0.55), (0.5, waist * 0.55), rng.uniform(165, 205), 360 + end)
        if rng.random() < 0.5:
            down = np.concatenate([neck, [(0, 1)]])
        else:
            down = np.concatenate([neck, _round_off([neck[-1], (0.5, 0.62), (0.05, 0.85), (0, 1)], 0.25)])
        digits.append([down, np.array([(0, 1), (1, 1)])])

    tail = rng.uniform(145, 180)
    if rng.random() < 0.15:
        top = np.array([(0.02, 0), (0.95, 0), (rng.uniform(0.35, 0.55), waist)])
        digits.append([np.concatenate([top, bend(*low, 280, 360 + tail)])])
    else:
        upper = bend(*high, 180 + rng.uniform(0, 30), 450)
        lower = bend(*low, 270, 360 + tail)
        bar = rng.uniform(0.15, 0.5)
        digits.append([upper, lower, np.array([(bar, waist), (0.55, waist)])])

    stem, arm = rng.uniform(0.62, 0.85), rng.uniform(0.6, 0.78)
    reach = 1.0 if rng.random() < 0.7 else stem
    if rng.random() < 0.62:  # closed
        digits.append([np.array([(stem, 0), (0, arm), (reach, arm)]), np.array([(stem, 0), (stem, 1)])])
    else:
        lean, first = rng.uniform(0, 0.45), rng.uniform(0, 0.5)
        side = 1.0 if rng.random() < 0.4 else stem
        digits.append([_round_off([(lean, 0), (0, arm), (max(reach, side), arm)], corner / 2),
                       np.array([(side, first), (side, 1)])])  # fmt: skip

    if straight:
        digits.append([_round_off([(1, 0), (0, 0), (0, waist), (1, waist), (1, 1), (0, 1)], corner)])
    else:
        lean = rng.uniform(0, 0.12)
        bowl = bend((0.48, (1 + waist) / 2), (0.52, (1 - waist) / 2 + 0.02), rng.uniform(200, 230), 360 + tail)
        digits.append([np.concatenate([[(0.92, 0), (lean + 0.04, 0), (lean, waist)], bowl])])

    bowl = rng.uniform(0.26, 0.34) if not square else (1 - waist) / 2
    ring = bend((0.5, 1 - bowl), (0.5, bowl), 0, 360)
    if straight:
        six = [_round_off([(1, 0), (0, 0), (0, 1), (1, 1), (1, waist), (0, waist)], corner)]
    elif rng.random() < 0.25:
        six = [ring, np.array([(0.03, 1 - 1.15 * bowl), (rng.uniform(0.5, 0.85), 0)])]
    else:
        end = rng.choice([rng.uniform(275, 300), rng.uniform(310, 345)])
        six = [ring, bend((0.5, 1 - bowl), (0.5, 1 - bowl), 180, end)]
    digits.append(six)

    foot, form = rng.uniform(0.1, 0.6), rng.random()
    if form < 0.45:
        seven = [(0, 0), (1, 0), (foot, 1)]
    elif form < 0.65:
        seven = [(0, 0), (1, 0), *_round_off([(1, 0.02), (foot + 0.1, 0.5), (foot, 1)], 0.25)]
    else:  # with a knee, as they are engraved
        foot, knee = rng.uniform(0.3, 0.85), rng.uniform(0.1, 0.4)
        seven = [(0, 0), *_round_off([(1, 0), (1, knee), (foot, knee + rng.uniform(0.1, 0.35)), (foot, 1)], corner)]
    if rng.random() < 0.35:
        seven = [(0, rng.uniform(0.06, 0.22)), *seven]
    digits.append([np.array(seven)])
    if rng.random() < 0.06:
        digits[7].append(np.array([(0.25, 0.5), (0.85, 0.5)]))

    digits.append([bend(*high, 0, 360), bend(*low, 0, 360)])
    digits.append([1 - line for line in six])
    return digits


def invented_face(seed: int) -> Face:
    """A face of strokes, as they are engraved or moulded: round or square bowls, open or closed fours, thick or thin.

    Returns
    -------
    uint8 (10, HEIGHT, W); W between about a third and nine tenths of HEIGHT.

    Examples
    --------
    >>> from ocrbook.render.meters import invented_face
    >>> digits = invented_face(7)
    >>> digits.shape[:2], str(digits.dtype)
    ((10, 72), 'uint8')
    """
    rng = np.random.default_rng(seed)
    strokes = _strokes(rng)
    scale = 2
    height = scale * HEIGHT
    width = round(height * rng.uniform(0.36, 0.78))
    thick = rng.uniform(0.07, 0.2) * height
    thick = min(thick, 0.3 * width)
    contrast = rng.uniform(0.75, 1.25) if rng.random() < 0.5 else 1.0
    across, down = max(3, round(thick * contrast)), max(3, round(thick))
    shape = cv2.MORPH_RECT if rng.random() < 0.35 else cv2.MORPH_ELLIPSE
    pen = cv2.getStructuringElement(shape, (across, down))
    slant = rng.normal(0, 0.06) if rng.random() < 0.5 else 0.0
    grow = rng.random() < 0.35  # a narrow 1, not one in the middle of its cell
    face = np.zeros((10, HEIGHT, round(width / scale)), np.uint8)
    inner = np.array([width - across, height - down])
    for digit, lines in enumerate(strokes):
        ink = np.zeros((height, width), np.uint8)
        for line in lines:
            points = line.astype(float)
            points[:, 0] += slant * (0.5 - points[:, 1])
            if digit == 1 and grow:
                points[:, 0] = 0.5 + 0.6 * (points[:, 0] - 0.5)
            points = np.array([across, down]) / 2 + np.clip(points, 0, 1) * inner
            cv2.polylines(ink, [np.rint(points * 16).astype(np.int32)], False, 255, 1, cv2.LINE_8, 4)
        ink = cv2.dilate(ink, pen)
        face[digit] = cv2.resize(ink, face.shape[:0:-1], interpolation=cv2.INTER_AREA)
    return face


def typeface(path: str | Path) -> Face | None:
    """The digits of a font file, each stretched to the whole height; None where they are of different heights.

    Old-style figures, which dip below the line, are of no use on a drum.

    Examples
    --------
    >>> from ocrbook.fonts import font_path
    >>> from ocrbook.render.meters import typeface
    >>> typeface(font_path("dejavu-sans")).shape[:2]
    (10, 72)
    """
    drawn = ImageFont.truetype(str(path), 2 * HEIGHT, layout_engine=ImageFont.Layout.BASIC)
    inks = []
    for digit in "0123456789":
        mask = drawn.getmask(digit)
        ink = np.asarray(mask, np.uint8).reshape(mask.size[::-1])
        rows, columns = np.flatnonzero(ink.max(axis=1) > 64), np.flatnonzero(ink.max(axis=0) > 64)
        if not len(rows):
            return None
        inks.append(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    heights = [len(ink) for ink in inks]
    if min(heights) < 0.85 * max(heights):
        return None
    inks = [cv2.resize(i, (max(1, round(i.shape[1] * HEIGHT / len(i))), HEIGHT), interpolation=cv2.INTER_AREA)
            for i in inks]  # fmt: skip
    width = max(ink.shape[1] for ink in inks)
    face = np.zeros((10, HEIGHT, width), np.uint8)
    for digit, ink in enumerate(inks):
        left = (width - ink.shape[1]) // 2
        face[digit, :, left : left + ink.shape[1]] = ink
    return face


def reshaped(face: Face, rng: np.random.Generator) -> Face:
    """A relative of a face: leaning, with its waist higher or lower, and wider or narrower at the top than below."""
    _, height, width = face.shape
    lean, waist, taper = rng.uniform(-0.2, 0.2), rng.uniform(-0.09, 0.09), rng.uniform(-0.12, 0.12)
    wide = round(width * (1 + abs(taper) / 2) + abs(lean) * height)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.arange(wide, dtype=np.float32)[None] - np.float32(wide / 2 - 0.5)
    x = (columns - lean * height * (0.5 - rows)) / (1 + taper * (0.5 - rows)) + np.float32(width / 2 - 0.5)
    y = np.broadcast_to((rows + waist * np.sin(np.pi * rows)) * (height - 1), x.shape)
    return np.stack([cv2.remap(ink, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR) for ink in face])


@cache
def held_out_faces() -> tuple[Face, ...]:
    """The faces for test sets: typefaces that pip packages carry, and invented ones with seeds from 9,000,000.

    Examples
    --------
    >>> from ocrbook.render.meters import held_out_faces
    >>> all(len(face) == 10 for face in held_out_faces())
    True
    """
    faces = [typeface(font_path(name)) for name in HELD_OUT_FONTS]
    faces += [invented_face(9_000_000 + seed) for seed in range(24)]
    return tuple(face for face in faces if face is not None)


@cache
def training_faces(fonts: Path | None = None, invented: int = 400) -> tuple[Face, ...]:
    """Invented faces, and the Latin typefaces, in five weights, of a folder of @fontsource packages, if given.

    Each typeface stands among them with two relatives.

    Examples
    --------
    >>> from ocrbook.render.meters import training_faces
    >>> len(training_faces(invented=3))
    3
    """
    faces = [invented_face(seed) for seed in range(invented)]
    files = sorted(fonts.rglob("*-latin-[34579]00-normal.woff")) if fonts else []
    rng = np.random.default_rng(0)
    for face in filter(lambda face: face is not None, map(typeface, files)):
        faces += [face, reshaped(face, rng), reshaped(face, rng)]
    return tuple(faces)
