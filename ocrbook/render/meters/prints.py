"""What is printed on a meter beside its windows: serial number, maker, units, bar code, screws, small dials."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.fonts import LATIN, font
from ocrbook.render.meters.dials import draw_dial
from ocrbook.render.meters.scene import Window, blend, colour, speckle

_WORDS = (
    "230V 50Hz", "3x230/400V", "5(60)A", "10(40)A", "1600 imp/kWh", "Cl. 1", "IP54", "Qn 1.5", "PN 16", "T30", "2017",
    "CE M19", "MADE IN EU", "kWh", "m3", "0.01 m3/imp", "Type E4", "R160 H", "Q3 2.5", "Max 90C", "Watt-hour", "COM",
)  # fmt: skip
_UNITS = ("m3", "m\u00b3", "kWh", "kW", "MWh", "m", "KWH", "MJ")
_MAKERS = (
    "Alder", "NORVOLT", "Kiln & Sons", "TESLIN", "Ostrava M7", "AQUALINE", "Fenwick", "Hydra 3", "ELBEN", "GASTRO-M",
)  # fmt: skip


def _write(image, text, x, y, size, face, paint) -> tuple[int, int]:
    """Print a text with its top left corner at a place, cut off at the edges; its width and height."""
    mask = font(face, size).getmask(text)
    ink = np.asarray(mask, np.uint8).reshape(mask.size[::-1]).astype(np.float32) / 255
    x, y = max(0, int(x)), max(0, int(y))
    part = image[y : y + ink.shape[0], x : x + ink.shape[1]]
    blend(part, ink[: part.shape[0], : part.shape[1]], paint)
    return mask.size


def mark(image: np.ndarray, window: Window, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Print a unit beside a window, in place, as large as its digits or smaller; the corners (2, 2) around it."""
    (left, top), (right, bottom) = window.quad.min(axis=0), window.quad.max(axis=0)
    tall = bottom - top
    points = max(8, round(tall * rng.uniform(0.7, 1.7)))
    text, face = str(rng.choice(_UNITS)), str(rng.choice(LATIN))
    wide, high = font(face, points).getmask(text).size
    gap = tall * rng.uniform(0.25, 1.0)
    x = right + gap if rng.random() < 0.8 or left < gap + wide else left - gap - wide
    corner = np.array([x, (top + bottom - high) / 2 + rng.uniform(-0.3, 0.3) * tall])
    _write(image, text, *corner, points, face, ink)
    return np.stack([corner, np.add(corner, (wide, high))])


def _bars(image, x, y, width, height, rng) -> None:
    """A bar code, in place."""
    lines = np.repeat(rng.random(max(8, width // 2)) < 0.5, 2)[:width]
    part = image[int(y) : int(y) + height, int(x) : int(x) + len(lines)]
    part[:] = np.where(lines[: part.shape[1]], 25, 240)[None, :, None]


def fill(
    image: np.ndarray,
    used: list[tuple[np.ndarray, np.ndarray]],
    colours: tuple[np.ndarray, np.ndarray],
    numbers: int,
    held_out: bool,
    rng: np.random.Generator,
) -> str:
    """Print on a plate, float32 (H, W, 3), in place, around the corners that are used; the serial number.

    Parameters
    ----------
    colours : of the ink and of the plate
    numbers : int
        How many more numbers are printed than the serial number, where there is room.
    held_out : bool
        Whether the dials are of the styles that are kept for tests.
    """
    (ink, paint), (height, width) = colours, image.shape[:2]

    def free(x: float, y: float, w: float, h: float) -> bool:
        return x >= 2 and y >= 2 and x + w < width - 2 and y + h < height - 2 and all(
            x > b[0] or x + w < a[0] or y > b[1] or y + h < a[1] for a, b in used
        )  # fmt: skip

    serial = "".join(map(str, rng.integers(0, 10, int(rng.integers(6, 11)))))
    items = [(str(rng.choice(["No. ", "Nr ", "S/N ", "", "", "No "])) + serial, rng.uniform(0.035, 0.085))]
    items.append((str(rng.choice(_MAKERS)), rng.uniform(0.05, 0.11)))
    items += [
        (str(word), rng.uniform(0.03, 0.06)) for word in rng.choice(_WORDS, int(rng.integers(2, 9)), replace=False)
    ]
    for number, (text, share) in enumerate(items):
        face, points = str(rng.choice(LATIN)), max(8, int(share * height))
        mask = font(face, points).getmask(text).size
        for _ in range(12):
            x, y = rng.uniform(0.02, 0.98) * (width - mask[0]), rng.uniform(0.02, 0.98) * (height - mask[1])
            if free(x, y, *mask):
                if number == 0 and rng.random() < 0.4:  # on a white label, often with a bar code
                    cv2.rectangle(
                        image,
                        (int(x - 4), int(y - 3)),
                        (int(x + mask[0] + 4), int(y + mask[1] + 3)),
                        (245, 245, 245),
                        -1,
                    )
                    _write(image, text, x, y, points, face, np.array([20.0, 20, 20]))
                    if rng.random() < 0.7 and free(x, y + mask[1] + 4, mask[0], points):
                        _bars(image, x, y + mask[1] + 4, mask[0], points, rng)
                        used.append((np.array([x, y]), np.array([x + mask[0], y + mask[1] + 4 + points])))
                else:
                    _write(image, text, x, y, points, face, ink)
                used.append((np.array([x - 3, y - 3]), np.array([x + mask[0] + 3, y + mask[1] + 3])))
                break
    for _ in range(int(rng.choice([0, 0, 1, 2, 4]))):  # small dials, as on water meters
        side = int(rng.uniform(0.1, 0.2) * height)
        x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
        if free(x, y, side, side):
            dial = draw_dial(rng.random(), rng, held_out=held_out).image
            image[int(y) : int(y) + side, int(x) : int(x) + side] = cv2.resize(
                dial, (side, side), interpolation=cv2.INTER_AREA
            )
            used.append((np.array([x, y]), np.array([x + side, y + side])))
    for _ in range(numbers):
        text = "".join(map(str, rng.integers(0, 10, int(rng.integers(4, 12)))))
        face, points = str(rng.choice(LATIN)), max(8, int(rng.uniform(0.03, 0.12) * height))
        box = np.array(font(face, points).getmask(text).size) + 8
        x, y = rng.uniform(0.02, 0.98, 2) * (np.array([width, height]) - box)
        if free(x, y, *box):
            corner, end = (int(x), int(y)), (int(x + box[0]), int(y + box[1]))
            label, pen = (colour(rng, 200, 250, 8), colour(rng, 5, 60, 8))[:: int(rng.choice([1, 1, -1]))]
            if labelled := rng.random() < 0.6:
                cv2.rectangle(image, corner, end, label.tolist(), -1)
            if rng.random() < 0.4:
                cv2.rectangle(image, corner, end, (pen if labelled else ink).tolist(), int(rng.integers(1, 3)))
            _write(image, text, x + 4, y + 4, points, face, pen if labelled else ink)
            used.append((np.array(corner) - 3, np.array(end) + 3))
    for x, y in ((0.05, 0.05), (0.95, 0.05), (0.05, 0.95), (0.95, 0.95)):
        if rng.random() < 0.4:
            centre = (int(x * width), int(y * height))
            cv2.circle(image, centre, max(3, height // 36), (0.55 * paint).tolist(), -1, cv2.LINE_AA)
            cv2.line(image, (centre[0] - 3, centre[1] - 2), (centre[0] + 3, centre[1] + 2), (0.3 * paint).tolist(), 2)
    if rng.random() < 0.3:
        image *= 1 - rng.uniform(0.1, 0.3) * speckle((height, width), rng, 24)[..., None]
    return serial
