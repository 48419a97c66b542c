"""Photographs of whole meters: housing, plate, print, serial number, bar code, screws, and one or two windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ocrbook.render.meters.displays import BLANK, display_style, draw_display
from ocrbook.render.meters.drums import counter_positions, draw_drums, drum_positions
from ocrbook.render.meters.faces import Face, held_out_faces, training_faces
from ocrbook.render.meters.prints import fill, mark
from ocrbook.render.meters.scene import Window, colour, photograph


@dataclass(frozen=True)
class Photo:
    """A photograph of a meter, with its truth.

    Attributes
    ----------
    image : uint8 (H, W, 3) BGR
    windows : tuple of Window
        The one with the reading first; only those that are whole in the image. The images in them are this one.
    serial : str
        The serial number, printed where there was room for it; no window shows it.

    Examples
    --------
    >>> from ocrbook.render.meters import render_photo
    >>> photo = render_photo(5, kind="lcd", shape=(360, 480), reading=1234)
    >>> photo.image.shape, photo.windows[0].kind
    ((360, 480, 3), 'lcd')
    """

    image: np.ndarray
    windows: tuple[Window, ...]
    serial: str

    @property
    def reading(self) -> str:
        """The digits of the first window."""
        return self.windows[0].text


def _plate(
    size: tuple[int, int],
    kind: str,
    faces: Sequence[Face],
    held_out: bool,
    reading: float | None,
    numbers: int,
    busy: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[Window], str]:
    """The front of a meter, float32 (H, W, 3), its windows, and its serial number."""
    width, height = size
    paint = colour(rng, 90, 250, 18) if rng.random() < 0.8 else colour(rng, 20, 90, 15)
    bright = paint.mean() > 110
    ink = colour(rng, 5, 75, 12) if bright else colour(rng, 170, 245, 12)
    image = np.empty((height, width, 3), np.float32)
    image[:] = paint
    if rng.random() < 0.5:  # an inner plate of another colour
        inner = np.clip(paint + rng.uniform(-50, 50), 0, 255)
        m = rng.uniform(0.03, 0.12, 2) * size
        cv2.rectangle(image, (int(m[0]), int(m[1])), (int(width - m[0]), int(height - m[1])), inner.tolist(), -1)
        cv2.rectangle(image, (int(m[0]), int(m[1])), (int(width - m[0]), int(height - m[1])), (0.7 * inner).tolist(), 1)
    windows, used = [], []
    count = 2 if rng.random() < 0.1 else 1
    top = rng.uniform(0.1, 0.45) * height
    for number in range(count):
        if kind == "drum":
            drums = drum_positions(int(rng.integers(4, 9)), rng)
            if reading is not None and number == 0:
                drums = counter_positions(reading, len(drums[1]))
            window = draw_drums(*drums, faces, rng)
        else:
            digits = [int(d) for d in rng.integers(0, 10, int(rng.integers(4, 9)))]
            if rng.random() < 0.25:
                dark = int(rng.integers(1, len(digits) - 1))
                digits[:dark] = [BLANK] * dark
            if reading is not None and number == 0:
                digits = [int(d) for d in f"{int(reading) % 10 ** len(digits):0{len(digits)}d}"]
            window = draw_display(digits, display_style(rng, held_out=held_out), rng)
        source = window.image
        wide = rng.uniform(0.34, 0.86) * width * (1 if number == 0 else 0.6)
        scale = min(wide / source.shape[1], 0.3 * height / source.shape[0])
        if number:  # a tariff register, smaller than the main one, or as large
            most = rng.uniform(0.4, 1) if busy else 0.6
            scale = min(scale, most * np.ptp(used[0], axis=0)[1] / source.shape[0])
        new = max(8, round(source.shape[1] * scale)), max(8, round(source.shape[0] * scale))
        x, y = rng.uniform(0.03, 0.97) * (width - new[0]), top
        x, y = round(np.clip(x, 2, width - new[0] - 2)), round(min(y, height - new[1] - 4))
        bezel = int(rng.uniform(0.0, 0.4) * new[1])
        edge = colour(rng, 5, 235, 15)
        if bezel:
            box = [int(v) for v in (x - bezel, y - bezel * 0.7, x + new[0] + bezel, y + new[1] + bezel * 0.7)]
            cv2.rectangle(image, box[:2], box[2:], edge.tolist(), -1)
            cv2.rectangle(image, box[:2], box[2:], (0.6 * edge).tolist(), int(rng.integers(1, 4)))
        part = image[y : y + new[1], x : x + new[0]]
        part[:] = cv2.resize(source, new, interpolation=cv2.INTER_AREA)[: part.shape[0], : part.shape[1]]
        matrix = np.array([[scale, 0, x], [0, new[1] / source.shape[0], y], [0, 0, 1]], float)
        matrix[0, 0] = new[0] / source.shape[1]
        windows.append(window.moved(matrix, image))
        used.append((np.array([x, y]) - bezel - 4, np.array([x, y]) + new + bezel + 4))
        if busy and rng.random() < 0.5:
            used.append(tuple(mark(image, windows[-1], ink, rng)))
        top = y + new[1] + bezel + 8

    return image, windows, fill(image, used, (ink, paint), numbers, held_out, rng)


def _wall(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """What is behind the meter, float32 (H, W, 3)."""
    height, width = shape
    image = np.empty((height, width, 3), np.float32)
    image[:] = colour(rng, 20, 220, 25)
    rough = cv2.resize(rng.normal(0, 1, (height // 10, width // 10)).astype(np.float32), (width, height))
    image += rng.uniform(3, 22) * rough[..., None]
    if rng.random() < 0.25:  # bricks or tiles
        tall, line = int(rng.integers(24, 90)), colour(rng, 40, 220, 10)
        for y in range(0, height, tall):
            cv2.line(image, (0, y), (width, y), line.tolist(), 2)
        for x in range(0, width, 2 * tall):
            cv2.line(image, (x, 0), (x, height), line.tolist(), 2)
    for _ in range(int(rng.integers(0, 5))):  # pipes and cables
        a, b = rng.uniform(0, 1, (2, 2)) * [width, height]
        cv2.line(
            image, tuple(map(int, a)), tuple(map(int, b)), colour(rng, 5, 230, 40).tolist(), int(rng.integers(3, 40))
        )
    return image


def render_photo(
    seed: int,
    *,
    kind: str | None = None,
    shape: tuple[int, int] | None = None,
    held_out: bool = False,
    faces: Sequence[Face] | None = None,
    hard: float | None = None,
    reading: float | None = None,
    light: int | None = None,
    numbers: int = 0,
    busy: bool = False,
) -> Photo:
    """Draw a photograph of a meter.

    Parameters
    ----------
    seed : int
        Same seed and arguments, same pixels.
    kind : "drum", "lcd" or None
    shape : (height, width) or None
        None draws one between 360 x 480 and 720 x 960, upright or not.
    held_out : bool
        Draw with the faces, styles of displays and needles that are kept for tests. Housings are of the same kinds.
    faces : sequence of Face, optional
    hard : float, optional
        See `photograph`.
    reading : float, optional
        What the meter stands at, in units of its last digit; else that is drawn, too.
    light : int, optional
        A seed for the light, the lens and the sensor. With the same seed for the meter and another one here, a camera
        that stays takes another photograph.
    numbers : int
        How many more numbers are printed on it than the serial number, where there is room.
    busy : bool
        Whether units may be printed close beside the windows, and second registers may be as large as the first.

    Raises
    ------
    ValueError
        If the kind is unknown.

    Examples
    --------
    >>> from ocrbook.render.meters import render_photo
    >>> photo = render_photo(5, kind="drum", shape=(360, 480), reading=1234)
    >>> int(photo.windows[0].text)
    1234
    """
    if kind not in (None, "drum", "lcd"):
        raise ValueError(f'kind must be "drum" or "lcd", got {kind!r}')
    rng = np.random.default_rng([int(held_out), seed])
    kind = kind or str(rng.choice(["drum", "lcd"]))
    faces = faces or (held_out_faces() if held_out else training_faces())
    if shape is None:
        height = int(rng.integers(360, 721))
        shape = (height, height * 4 // 3) if rng.random() < 0.7 else (height * 4 // 3, height)
    height, width = shape
    round_one = rng.random() < (0.15 if not held_out else 0.35)  # water meters; more often among those held out
    if round_one:
        side = rng.uniform(0.6, 1.1) * min(shape)
        size = (round(side), round(side))
    else:
        size = (round(width * rng.uniform(0.55, 1.05)), round(height * rng.uniform(0.5, 1.05)))
    plate, windows, serial = _plate(size, kind, faces, held_out, reading, numbers, busy, rng)
    cover = np.ones(size[::-1], np.float32)
    if round_one:
        cover[:] = 0
        cv2.circle(cover, (size[0] // 2, size[1] // 2), size[0] // 2, 1.0, -1, cv2.LINE_AA)
        for window in windows:  # nothing of a window is cut off by a round rim
            box = window.quad
            cover[int(box[:, 1].min()) : int(box[:, 1].max()) + 1, int(box[:, 0].min()) : int(box[:, 0].max()) + 1] = 1
    corners = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], float)
    angle = np.deg2rad(np.clip(rng.normal(0, 5), -14, 14))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wanted = (corners - np.array(size) / 2) @ turn.T * rng.uniform(0.97, 1.03, (4, 2))
    focus = windows[0].quad
    linear = cv2.getPerspectiveTransform(corners.astype(np.float32), wanted.astype(np.float32))
    quad = cv2.perspectiveTransform(focus[None], linear)[0]
    if (reach := np.ptp(quad, axis=0) / (np.array([width, height]) * 0.94)).max() > 1:
        wanted /= reach.max()
        quad /= reach.max()
    # anywhere, as long as the window is whole
    low = np.array([width, height]) * 0.03 - quad.min(axis=0)
    high = np.array([width, height]) * 0.97 - quad.max(axis=0)
    middle = np.array([width, height]) / 2 + rng.normal(0, 0.08, 2) * [width, height]
    wanted += np.clip(middle, np.minimum(low, high), np.maximum(low, high))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), wanted.astype(np.float32))
    image = _wall(shape, rng)
    zoom = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if zoom < 0.75:
        plate = cv2.GaussianBlur(plate, (0, 0), 0.42 / zoom)
    flat = cv2.warpPerspective(plate, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpPerspective(cover, matrix, (width, height), flags=cv2.INTER_LINEAR)
    image = image * (1 - cover[..., None]) + flat * cover[..., None]
    rng = rng if light is None else np.random.default_rng([2, light])
    taken = photograph(image, rng, hard=rng.uniform(0.1, 0.8) if hard is None else hard)
    kept = [window.moved(matrix, taken) for window in windows]
    inside = [w for w in kept if (w.quad > 0).all() and (w.quad < [width, height]).all()]
    return Photo(taken, tuple(inside), serial)
