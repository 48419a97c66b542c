"""What all drawings of meters share: windows with their truth, colours, dirt, and the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

ARRIVED = 0.85
"""The share of the way to the next digit from which on a counter's last drum counts as arrived."""


@dataclass(frozen=True)
class Window:
    """The window of a meter.

    Attributes
    ----------
    kind : "drum" or "lcd"
    image : (H, W, 3), BGR; float32 while it is drawn, uint8 once it is photographed
    positions : float64 (N,)
        Drums: how far each has turned, 3.4 for a 3 on its way to the 4. Displays: as `digits`.
    boxes : float64 (N, 4, 2)
        Corners of each position, clockwise from the top left, tight around where its digit stands when it is settled.
    digits : tuple of int
        What is to be read, -1 where a display is blank, -2 where it has a minus. A drum that has gone less than
        `ARRIVED` of the way to the next digit still counts as the digit it has left.
    decimals : int
        How many of the last positions are decimals.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import Window
    >>> boxes = np.array([[[x, 0], [x + 8, 0], [x + 8, 16], [x, 16]] for x in (0, 10)], float)
    >>> window = Window("lcd", np.zeros((16, 18, 3), np.uint8), np.array([-1.0, 7.0]), boxes, digits=(-1, 7))
    >>> window.text, window.quad.tolist()
    ('7', [[0.0, 0.0], [18.0, 0.0], [18.0, 16.0], [0.0, 16.0]])
    """

    kind: str
    image: np.ndarray
    positions: np.ndarray
    boxes: np.ndarray
    digits: tuple[int, ...]
    decimals: int = 0

    @property
    def text(self) -> str:
        """The digits of the reading, without a separator or a sign."""
        return "".join(str(digit) for digit in self.digits if digit >= 0)

    @property
    def quad(self) -> np.ndarray:
        """The corners around all positions, float64 (4, 2)."""
        return np.stack([self.boxes[0, 0], self.boxes[-1, 1], self.boxes[-1, 2], self.boxes[0, 3]])

    def moved(self, matrix: np.ndarray, image: np.ndarray) -> Window:
        """The same window in another image, after a homography (3, 3)."""
        boxes = cv2.perspectiveTransform(self.boxes.reshape(1, -1, 2), matrix).reshape(-1, 4, 2)
        return replace(self, image=image, boxes=boxes)


def blend(image: np.ndarray, ink: np.ndarray, colour: np.ndarray) -> None:
    """Put ink (H, W) between 0 and 1 on an image of the same size, in place; one colour (3,), or one each (H, W, 3)."""
    inked = cv2.boundingRect((ink > 0).astype(np.uint8))  # elsewhere nothing changes
    part = (slice(inked[1], inked[1] + inked[3]), slice(inked[0], inked[0] + inked[2]))
    ink = ink[part][..., None]
    colour = np.asarray(colour, np.float32)
    image[part] = image[part] * (1 - ink) + (colour[part] if colour.ndim == 3 else colour) * ink


def colour(rng: np.random.Generator, low: float, high: float, spread: float) -> np.ndarray:
    """A gray between two values, with a tint, BGR."""
    return np.clip(rng.uniform(low, high) + rng.uniform(-spread, spread, 3), 0, 255)


def speckle(shape: tuple[int, int], rng: np.random.Generator, grain: int) -> np.ndarray:
    """Dirt: smooth noise in patches of about `grain` pixels, float32 (H, W) between 0 and 1, most of it 0."""
    height, width = shape
    small = rng.normal(0, 1, (max(2, height // grain), max(2, width // grain))).astype(np.float32)
    noise = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(noise - 0.8, 0, 1)


def photograph(image: np.ndarray, rng: np.random.Generator, *, hard: float = 1.0) -> np.ndarray:
    """Light, glass, lens, sensor and file.

    Parameters
    ----------
    image : float32 (H, W, 3)
    hard : float
        0 leaves mild noise and an even light, bright or dim; 1 is what cellars hold in store; more is worse.

    Returns
    -------
    uint8 (H, W, 3)

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import photograph
    >>> seen = photograph(np.full((40, 60, 3), 128, np.float32), np.random.default_rng(1), hard=0.5)
    >>> seen.shape, str(seen.dtype)
    ((40, 60, 3), 'uint8')
    """
    height, width = image.shape[:2]
    across, down = np.linspace(-1, 1, width, dtype=np.float32)[None], np.linspace(-1, 1, height, dtype=np.float32)
    down = down[:, None]
    slope = hard * rng.uniform(-0.35, 0.35, 2).astype(np.float32)
    light = np.float32(rng.uniform(0.5, 1.1)) * (1 + slope[0] * across + slope[1] * down)
    if rng.random() < 0.2 * hard:  # the edge of a shadow
        angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.4)
        edge = (np.cos(angle) * across + np.sin(angle) * down - rng.uniform(-0.6, 0.6)) / soft
        light = light * (1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-np.clip(edge, -30, 30))))
    cast = 1 + hard * rng.uniform(-0.12, 0.12, 3)
    image = image * (light[..., None] * cast).astype(np.float32)
    if rng.random() < 0.3 * hard:  # a lamp or a flash in the glass
        centre, reach = rng.uniform(-1, 1, 2), rng.uniform(0.08, 0.6)
        aspect = width / height
        spot = np.exp(-(((across - centre[0]) * aspect) ** 2 + (down - centre[1]) ** 2) / reach**2)
        image = image + (rng.uniform(30, 170) * spot[..., None]).astype(np.float32)
    if rng.random() < 0.3 * hard:  # a veil: fog on the glass, or a window behind the photographer
        veil = rng.uniform(0.05, 0.4)
        image = image * (1 - veil) + np.float32(veil * rng.uniform(60, 220))
    blur = rng.uniform(0.0, 0.022) * min(height, 64) * hard
    if blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    if rng.random() < 0.1 * hard:  # a hand that moved
        length, angle = rng.uniform(2, 5), rng.uniform(0, np.pi)
        size = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((size, size), np.float32)
        reach = length / 2 * np.array([np.cos(angle), np.sin(angle)])
        ends = np.rint((size // 2 + np.stack([-reach, reach])) * 16).astype(int)
        cv2.line(kernel, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0, 1, cv2.LINE_AA, 4)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    noise = rng.normal(0, 1, (*image.shape[:2], 1) if rng.random() < 0.5 else image.shape).astype(np.float32)
    image = image + noise * np.float32(rng.uniform(0.5, 2 + 5 * hard))
    gamma = rng.uniform(1 - 0.3 * hard, 1 + 0.4 * hard)
    image = 255 * np.clip(image / 255, 0, 1) ** np.float32(gamma)
    image = np.rint(image).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    return image


def seen(
    window: Window, rng: np.random.Generator, *, height: int | None = None, tilt: float = 1.0, cut: float = 0.06
) -> Window:
    """A window cut out of a photograph: a little turned, at any size, with what lies around it.

    Parameters
    ----------
    window : Window with a float32 image
    height : int or None
        Pixels of the window; the result has what lies around it, too. None draws one from 24 to 96, small ones more
        often.
    tilt : float
        1 turns by up to about four degrees.
    cut : float
        How much may be missing at an edge, in heights.

    Returns
    -------
    Window with a uint8 image

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.render.meters import display_style, draw_display, seen
    >>> rng = np.random.default_rng(1)
    >>> window = seen(draw_display([4, 7, 1], display_style(rng), rng), rng, height=32)
    >>> window.text, str(window.image.dtype)
    ('471', 'uint8')
    """
    source = window.image
    tall, wide = source.shape[:2]
    if height is None:
        height = int(np.exp(rng.uniform(np.log(24), np.log(96))))
    scale = height / tall
    around = rng.uniform(-cut, 0.35, 4) * tall * (rng.random() < 0.6)  # left, top, right, bottom
    angle = np.deg2rad(tilt * rng.normal(0, 1.6))
    shear = tilt * rng.normal(0, 0.03)
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    size = (
        max(8, round((wide + around[0] + around[2]) * scale)),
        max(8, round((tall + around[1] + around[3]) * scale)),
    )
    centre = np.array([wide, tall]) / 2
    target = np.array([wide / 2 + around[0], tall / 2 + around[1]])
    stretch = scale * np.array([rng.uniform(0.88, 1.12), 1.0])
    linear = np.diag(stretch) @ turn
    offset = target * scale - linear @ centre
    matrix = np.vstack([np.column_stack([linear, offset]), [0, 0, 1]])
    back = colour(rng, 10, 240, 20)
    if rng.random() < 0.4:
        border, value = cv2.BORDER_REPLICATE, None
    else:
        border, value = cv2.BORDER_CONSTANT, back.tolist()
    if scale < 0.75:
        source = cv2.GaussianBlur(source, (0, 0), 0.42 / scale)
    image = cv2.warpPerspective(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=value or 0)
    return window.moved(matrix, photograph(image, rng, hard=rng.uniform(0.2, 1.0)))
