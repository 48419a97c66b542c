"""What real dials have on and around the axle beside a needle: wheels, plates, glare, neighbours."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.render.meters.needles import ways
from ocrbook.render.meters.scene import blend, colour, speckle

WHEELS = ("sector", "disc", "plate", "arms", "spokes")
"""What turns with a needle so that a sensor can count it."""


def _polish(image: np.ndarray, share: np.ndarray, hub: np.ndarray, rng: np.random.Generator) -> None:
    """Metal under a lamp where `share` (H, W) is above 0, in place: it mirrors brightly to some sides, or all."""
    y, x = (np.arange(side, dtype=np.float32) - middle for side, middle in zip(share.shape, hub[::-1], strict=True))
    light = np.cos(int(rng.integers(1, 4)) * np.arctan2(y[:, None], x[None]) + np.float32(rng.uniform(0, 6.3)))
    if rng.random() < 0.5:
        across, down = (rng.normal(0, 1.5, 2) / len(share)).astype(np.float32)
        light = light * np.float32(rng.uniform(0, 1)) + across * x[None] + down * y[:, None]
    gray = np.clip(rng.uniform(90, 260) + rng.uniform(20, 130) * light, 5, 255)
    blend(image, share, gray[..., None] * rng.uniform(0.85, 1.0, 3).astype(np.float32))


def draw_wheel(
    image: np.ndarray, hub: np.ndarray, size: float, angle: float, paint: np.ndarray, rng, kind: str | None = None
) -> float:
    """A disc, half-moon, plate, star or spoked wheel that turns with the needle, in place.

    Parameters
    ----------
    hub, size : its middle and its radius
    angle : float
        The needle's, in radians clockwise from the top.
    paint : (3,)
        The needle's colour; the wheel often has the same.
    kind : str or None
        One of `WHEELS`; None draws it.

    Returns
    -------
    float
        How far it reaches in the needle's direction, in pixels.
    """
    kind = kind or str(rng.choice(WHEELS, p=[0.28, 0.24, 0.14, 0.2, 0.14]))
    mask, reach = np.zeros(image.shape[:2], np.float32), size
    opposite = angle + np.pi + rng.normal(0, 0.1)
    turned = opposite if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    bright = np.zeros_like(mask)  # the part that mirrors
    if kind in ("sector", "disc"):
        wide = rng.uniform(0.9, 4.2) if kind == "sector" else 2 * np.pi
        arc = turned + np.linspace(-wide / 2, wide / 2, 40)
        _fill(mask, np.concatenate([[hub], hub + size * ways(arc)]))
        if kind == "sector" and np.cos(turned - angle) < np.cos(wide / 2 + 0.2):
            reach = 0.0
        if rng.random() < 0.6:
            half, inner = rng.uniform(0.4, 1.8), rng.uniform(0, 0.6) * size
            arc = (turned if rng.random() < 0.7 else rng.uniform(0, 6.3)) + np.linspace(-half, half, 30)
            _fill(bright, np.concatenate([hub + inner * ways(arc), hub + rng.uniform(0.8, 1) * size * ways(arc[::-1])]))
    elif kind == "plate":
        half = 0.55 * size * np.array([rng.uniform(0.6, 1), rng.uniform(0.6, 1)])
        middle = hub + rng.choice([0, rng.uniform(0, 0.7)]) * half[1] * ways(opposite)
        side, along = ways(angle + np.pi / 2), ways(angle)
        corners = [middle + a * half[0] * side + b * half[1] * along for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        _fill(mask, np.array(corners))
        reach = float(np.hypot(*half))
        bright = mask * (rng.random() < 0.7)
    elif kind == "arms":
        count = int(rng.integers(2, 5))
        first = angle + (np.pi / count if rng.random() < 0.3 else 0.0)
        thick = max(3, int(size * rng.uniform(0.12, 0.4)))
        for number in range(count):
            end = hub + size * rng.uniform(0.9, 1.0) * ways(first + 2 * np.pi * number / count)
            cv2.line(mask, _whole(hub), _whole(end), 1.0, thick, cv2.LINE_AA)
        bright = mask * (rng.random() < 0.5)
    else:
        ring = max(2, int(size * rng.uniform(0.05, 0.25)))
        cv2.circle(mask, _whole(hub), int(size), 1.0, ring, cv2.LINE_AA)
        count = int(rng.integers(2, 9))
        for number in range(count):
            end = hub + size * ways(turned + 2 * np.pi * number / count)
            cv2.line(mask, _whole(hub), _whole(end), 1.0, max(2, int(ring * rng.uniform(0.4, 1.2))), cv2.LINE_AA)
        bright = mask * (rng.random() < 0.3)
    same = paint * rng.uniform(0.6, 1.1)
    own = same if rng.random() < 0.45 else colour(rng, 20, 250, 20)
    clear = rng.uniform(0.3, 0.9) if rng.random() < 0.25 else 1.0  # the share that covers what lies below
    blend(image, clear * mask, np.clip(own, 0, 255))
    if bright.any():
        _polish(image, rng.uniform(0.6, 1) * cv2.GaussianBlur(bright, (0, 0), rng.uniform(0.5, 3)), hub, rng)
    if rng.random() < 0.4:  # ribs and pins
        for _ in range(int(rng.integers(1, 5))):
            ribs = np.zeros_like(mask)
            place = hub + size * rng.uniform(0, 0.8) * ways(turned + rng.normal(0, 0.8))
            across = int(size * rng.uniform(0.05, 0.5))
            cv2.circle(ribs, _whole(place), max(2, across), 1.0, int(rng.choice([1, 2, 3, -1])), cv2.LINE_AA)
            blend(image, rng.uniform(0.2, 0.7) * ribs * mask, colour(rng, 0, 255, 20))
    if rng.random() < 0.5:
        edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        blend(
            image,
            rng.uniform(0.3, 1) * edge,
            colour(rng, 0, 90, 10) if rng.random() < 0.75 else colour(rng, 200, 255, 5),
        )
    return reach


def draw_neighbours(
    image: np.ndarray, centre: np.ndarray, radius: float, ink: np.ndarray, paint: np.ndarray, rng
) -> None:
    """Other dials of the same housing, cut off by the edge, with needles of their own; and print; in place."""
    for _ in range(int(rng.integers(1, 3))):
        other = centre + radius * rng.uniform(1.75, 2.4) * ways(rng.uniform(0, 2 * np.pi))
        cv2.circle(
            image, _whole(other), int(radius * rng.uniform(0.7, 1)), ink.tolist(), int(rng.integers(1, 7)), cv2.LINE_AA
        )
        tip = other + radius * rng.uniform(0.4, 0.95) * ways(rng.uniform(0, 2 * np.pi))
        cv2.line(image, _whole(other), _whole(tip), paint.tolist(), int(rng.integers(3, 18)), cv2.LINE_AA)
        cv2.circle(image, _whole(other), int(radius * rng.uniform(0.05, 0.3)), paint.tolist(), -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        text = str(rng.choice(["x0.0001", "x0.001", "x0.01", "x0.1", "m3", "x10", "0.01"]))
        place = centre + radius * 1.1 * ways(rng.uniform(0, 2 * np.pi)) - [30, 0]
        cv2.putText(
            image, text, _whole(place), cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.4, 1), ink.tolist(), 2, cv2.LINE_AA
        )


def draw_print(image: np.ndarray, centre: np.ndarray, ink: np.ndarray, rng: np.random.Generator) -> None:
    """Digits or letters, or stains, where a needle might be, in place."""
    if rng.random() < 0.25:
        blend(image, speckle(image.shape[:2], rng, int(rng.integers(20, 90))), ink)
        return
    text = "".join(rng.choice(list("0123456789mkWh.-"), int(rng.integers(1, 6))))
    scale, thick = rng.uniform(1, 9) / len(text) ** 0.7, int(rng.integers(2, 22))
    face = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
    (wide, tall), _ = cv2.getTextSize(text, face, scale, thick)
    place = centre + np.array([-wide, tall]) / 2 + rng.normal(0, 15, 2)
    cv2.putText(image, text, _whole(place), face, scale, ink.tolist(), thick, cv2.LINE_AA)


def weathered(
    image: np.ndarray, centre: np.ndarray, radius: float, tip: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Reflections on glass and needle, some near its tip, blown highlights, coloured light, and gray where cut off."""
    height, width = image.shape[:2]
    if rng.random() < 0.45:
        spots = np.zeros((height, width), np.float32)
        for _ in range(int(rng.integers(1, 4))):
            place = centre + radius * rng.uniform(0, 1.2) * ways(rng.uniform(0, 2 * np.pi))
            if rng.random() < 0.4:
                place = centre + rng.uniform(0.5, 1.05) * (tip - centre) + rng.normal(0, 0.06, 2) * radius
            axes = (int(radius * rng.uniform(0.03, 0.2)), int(radius * rng.uniform(0.03, 0.12)))
            cv2.ellipse(spots, _whole(place), axes, rng.uniform(0, 180), 0, 360, rng.uniform(0.5, 1), -1, cv2.LINE_AA)
        blend(image, cv2.GaussianBlur(spots, (0, 0), rng.uniform(0.5, 4)), colour(rng, 190, 255, 15))
    if rng.random() < 0.15:
        image += 120 * speckle((height, width), rng, 60)[..., None]
    if rng.random() < 0.3:  # a cast
        image *= rng.uniform(0.6, 1.25, 3).astype(np.float32)
    if rng.random() < 0.2:  # too long an exposure
        image = np.clip(image * rng.uniform(1.1, 1.9) + rng.uniform(0, 60), 0, 255)
    if rng.random() < 0.15:  # paler
        gray = image.mean(axis=2, keepdims=True)
        image = gray + (image - gray) * rng.uniform(0.2, 0.8)
    if rng.random() < 0.06:
        image[int(height * rng.uniform(0.82, 0.95)) :] = 128
    return np.asarray(image, np.float32)


def _fill(mask: np.ndarray, corners: np.ndarray) -> None:
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)


def _whole(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
