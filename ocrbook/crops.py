"""Cutting text lines out of a page, as PaddleOCR does before it recognises them."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.images import MOST_PIXELS, MOST_SIDE

__all__ = ["around", "crop", "smallest_rectangle"]

_AROUND = 4  # pixels that interpolation looks at outside what is cut


def crop(image: np.ndarray, points: np.ndarray, *, turn_tall: bool = True) -> np.ndarray:
    """Cut out a quadrilateral and straighten it.

    Parameters
    ----------
    image : uint8 array, shape (H, W, 3), BGR
    points : array_like, shape (N, 2), N >= 3
        Clockwise from the top left, in pixels. Of a polygon that has not four points `smallest_rectangle` is taken.
    turn_tall : bool
        Turn a crop whose height is 1.5 times its width or more by 90 degrees, as PaddleOCR's pipeline does.

    Returns
    -------
    uint8 array, shape (h, w, 3), both sides at least one pixel.

    Raises
    ------
    ValueError
        If there are fewer than three points, image or points have another shape, or the crop would be too large.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.crops import crop
    >>> strip = np.zeros((34_000, 600, 3), np.uint8)
    >>> crop(strip, [[10, 33_500], [200, 33_500], [200, 33_540], [10, 33_540]]).shape
    (40, 190, 3)
    """
    quad = np.asarray(points, dtype=np.float32)
    if image.ndim != 3 or quad.ndim != 2 or quad.shape[1] != 2 or len(quad) < 3:
        raise ValueError(f"expected an image (H, W, 3) and at least 3 points, got {image.shape} and {quad.shape}")
    if not np.isfinite(quad).all():
        raise ValueError("a point of what is to be cut out is no finite number")
    if len(quad) != 4:
        quad = smallest_rectangle(quad)
    width = max(1, int(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))))
    height = max(1, int(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))))
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise ValueError(f"a crop of {width} x {height} pixels is too large; a side has at most {MOST_SIDE:,}")
    image, begins = around(image, quad)
    quad = quad - begins.astype(np.float32)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    cut = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(cut)) if turn_tall and height / width >= 1.5 else cut


def smallest_rectangle(points: np.ndarray) -> np.ndarray:
    """The smallest rectangle around points, float32 (4, 2), clockwise from the corner nearest to the image's top left.

    It may stand at any angle.

    Examples
    --------
    >>> from ocrbook.crops import smallest_rectangle
    >>> smallest_rectangle([[1, 1], [5, 1], [5, 3], [3, 3], [1, 3]]).tolist()
    [[1.0, 1.0], [5.0, 1.0], [5.0, 3.0], [1.0, 3.0]]
    """
    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(points, np.float32)))
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)


def around(image: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The part of an image around points, where the image is too large for OpenCV to warp; else the whole image.

    OpenCV can't warp an image with a side of more than `ocrbook.images.MOST_SIDE`, however small what is cut out.

    Parameters
    ----------
    image : array, shape (H, W) or (H, W, C)
    points : array_like, shape (N, 2), N >= 1
        What will be cut out, in pixels.

    Returns
    -------
    tuple of array and int64 (2,)
        A view of the image, and the place (x, y) where it begins, to be taken from the points.

    Raises
    ------
    ValueError
        If the part is too large, too, or a point is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.crops import around
    >>> view, begins = around(np.zeros((34_000, 600)), [[10, 33_500], [200, 33_540]])
    >>> view.shape, begins.tolist()
    ((49, 199), [6, 33496])
    """
    points = np.asarray(points, np.float64)
    if not np.isfinite(points).all():
        raise ValueError("a point of what is to be cut out is no finite number")
    size = np.array(image.shape[1::-1])
    if size.max() <= MOST_SIDE:
        return image, np.zeros(2, np.int64)
    first = np.clip(np.floor(points.min(axis=0)) - _AROUND, 0, size - 1).astype(np.int64)
    last = np.clip(np.ceil(points.max(axis=0)) + _AROUND + 1, first + 1, size).astype(np.int64)
    if (last - first).max() > MOST_SIDE:
        raise ValueError(f"a part of {' x '.join(map(str, last - first))} pixels is too large to be warped")
    return image[first[1] : last[1], first[0] : last[0]], first
