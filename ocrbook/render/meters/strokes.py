"""Single digits as ink: in a typeface, engraved with one stroke, or of seven segments."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font

# Digits as one stroke each on a grid 4 wide and 8 high: column and row of its points.
_STROKES = {
    "0": "103041473818070110", "1": "022028", "2": "01103041430848", "3": "01103041433414344547381807",
    "4": "38300646", "5": "400003334447381807", "6": "3010010718384745341405", "7": "004018",
    "8": "14030110304143341405071838474534", "9": "1838474130100103143443",
}  # fmt: skip
# Seven segments, a to g: both ends of each, on a grid 1 wide and 2 high; and which of them are lit, a the lowest bit.
_SEGMENTS = np.array(
    [(0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 1, 2), (0, 2, 1, 2), (0, 1, 0, 2), (0, 0, 0, 1), (0, 1, 1, 1)], float
)
_LIT = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)


def _smooth(points: np.ndarray) -> np.ndarray:
    """Cut the corners off a line twice (Chaikin, 1974); its ends stay."""
    for _ in range(2):
        near, far = 0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]
        points = np.concatenate([points[:1], np.stack([near, far], axis=1).reshape(-1, 2)[1:-1], points[-1:]])
    return points


def stroked(digit: str, face: str, size: tuple[int, int], weight: float) -> np.ndarray:
    """Ink of one digit, float32 of `size` (width, height) between 0 and 1; strokes are `weight` times the height."""
    if face in LATIN:
        mask = font(face, 64).getmask(digit)
        glyph = np.asarray(mask, np.uint8).reshape(mask.size[::-1])
        if digit == "1":  # stretched to the width of the others it would be a block
            glyph = np.pad(glyph, ((0, 0), (10, 10)))
        return cv2.resize(glyph, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    width, height = size
    ink = np.zeros((4 * height, 4 * width), np.uint8)
    points = np.array([int(place) for place in _STROKES[digit]], float).reshape(-1, 2)
    line = _smooth(points) if face == "round" else points
    thick = weight * height
    inside = thick / 2 + line / [4, 8] * [width - thick, height - thick]
    cv2.polylines(ink, [np.rint(4 * inside).astype(np.int32)], False, 255, max(1, round(4 * thick)), cv2.LINE_AA)
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def segments(digit: int, size: tuple[int, int], weight: float, ghost: float) -> np.ndarray:
    """Ink of a seven-segment digit, float32 of `size`; segments that are off have the strength `ghost`."""
    width, height = size
    ink = np.zeros((4 * height, 4 * width), np.float32)
    thick = weight * height
    for number, ends in enumerate(_SEGMENTS.reshape(-1, 2, 2)):
        a, b = thick / 2 + ends / [1, 2] * [width - thick, height - thick]
        along = (b - a) / np.linalg.norm(b - a) * thick
        across = along[::-1] * [-0.5, 0.5]
        a, b = a + 0.12 * along, b - 0.12 * along  # a gap between neighbours
        half = along / 2
        hexagon = np.array([a, a + half + across, b - half + across, b, b - half - across, a + half - across])
        strength = 1.0 if _LIT[digit] >> number & 1 else ghost
        cv2.fillConvexPoly(ink, np.rint(64 * hexagon).astype(np.int32), strength, cv2.LINE_AA, 4)
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
