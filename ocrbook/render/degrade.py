"""What a camera, a scanner and a file format do to a page, each with one strength between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ocrbook.page import Page, TextLine

# A degradation takes an image, a strength in (0, 1] and a generator, and returns the image and the 3x3 matrix that
# moves its points, or None where they stay.
_Degradation = Callable[[np.ndarray, float, np.random.Generator], tuple[np.ndarray, np.ndarray | None]]


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    """Out of focus: Gaussian blur, sigma up to 4 pixels."""
    return cv2.GaussianBlur(image, (0, 0), 4 * strength), None


def _noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    """High sensitivity: Gaussian noise in each channel, standard deviation up to 80 gray levels."""
    return _to_uint8(image + rng.normal(0, 80 * strength, image.shape)), None


def _jpeg(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    """Compression: JPEG quality from 95 down to 2."""
    quality = round(95 - 93 * strength)
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR), None


def _warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), matrix


def _perspective(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A slanting view: each corner moves inwards by up to 20 % of the side."""
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * rng.uniform(0, 0.2 * strength, (4, 2))
    moved = (corners + inwards * [width, height]).astype(np.float32)
    return _warp(image, cv2.getPerspectiveTransform(corners, moved), (width, height))


def _rotation(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A page laid down askew: turned by 20 degrees times the strength, to either side; the canvas grows."""
    height, width = image.shape[:2]
    angle = 20 * strength * rng.choice([-1, 1])
    matrix = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0), [0, 0, 1]])
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(width * cos + height * sin), round(width * sin + height * cos))
    matrix[:2, 2] += (np.array(size) - [width, height]) / 2
    return _warp(image, matrix, size)


def _shadow(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    """A hand or a shelf in the light: one side of a slanting edge loses up to 90 % of its brightness."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.3, 0.3)
    depth = np.clip(0.5 - across / 0.6, 0, 1)  # the penumbra is 0.6 wide
    return _to_uint8(image * (1 - 0.9 * strength * depth[..., None])), None


def _glare(image: np.ndarray, strength: float, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    """A lamp mirrored in glossy paper: a spot that burns out to white, radius up to 60 % of the shorter side."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    centre = rng.uniform(0.25, 0.75, 2) * [width, height]
    radius = 0.6 * strength * min(height, width)
    distance = np.sqrt(((x - centre[0]) / 1.3) ** 2 + (y - centre[1]) ** 2) / radius
    light = np.clip(1.5 - distance, 0, 1)[..., None]
    return _to_uint8(image + (255 - image.astype(np.float64)) * light), None


DEGRADATIONS: dict[str, _Degradation] = {
    "blur": _blur,
    "noise": _noise,
    "jpeg": _jpeg,
    "perspective": _perspective,
    "rotation": _rotation,
    "shadow": _shadow,
    "glare": _glare,
}
"""The degradations by name."""


def degrade(image: np.ndarray, page: Page, name: str, strength: float, seed: int = 0) -> tuple[np.ndarray, Page]:
    """Spoil an image in one way, and move its truth along.

    Parameters
    ----------
    image : uint8 array, shape (H, W, 3), BGR
    page : Page
        The truth of the image.
    name : str
        One of `DEGRADATIONS`.
    strength : float
        From 0 (the image comes back as it is) to 1 (hardly anybody could read it).
    seed : int
        Same seed, same result.

    Returns
    -------
    (image, page), both new. Rotation enlarges the image.

    Raises
    ------
    ValueError
        If the name is unknown, the strength is not within 0 and 1, or the image is not BGR uint8.

    Examples
    --------
    >>> from ocrbook.render import degrade, render_document
    >>> image, page = render_document(seed=1)
    >>> turned, moved = degrade(image, page, "rotation", strength=0.5)
    >>> moved.texts == page.texts, turned.shape[0] > image.shape[0]
    (True, True)
    """
    if name not in DEGRADATIONS:
        raise ValueError(f"no degradation called {name!r}; there are {', '.join(DEGRADATIONS)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be within 0 and 1, got {strength}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a BGR uint8 image of shape (H, W, 3), got {image.dtype} {image.shape}")
    if strength == 0:
        return image.copy(), Page(page.image, list(page.lines))
    spoiled, matrix = DEGRADATIONS[name](image, strength, np.random.default_rng(seed))
    if matrix is None:
        return spoiled, Page(page.image, list(page.lines))
    moved = [
        TextLine(cv2.perspectiveTransform(line.points[None], matrix)[0], line.text, line.score) for line in page.lines
    ]
    return spoiled, Page(page.image, moved)
