"""Cutting text lines out of a page, as PaddleOCR does before it recognises them."""

from __future__ import annotations

import cv2
import numpy as np


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
        If there are fewer than three points, or image or points have another shape.
    """
    quad = np.asarray(points, dtype=np.float32)
    if image.ndim != 3 or quad.ndim != 2 or quad.shape[1] != 2 or len(quad) < 3:
        raise ValueError(f"expected an image (H, W, 3) and at least 3 points, got {image.shape} and {quad.shape}")
    if len(quad) != 4:
        quad = smallest_rectangle(quad)
    width = max(1, int(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))))
    height = max(1, int(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    cut = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(cut)) if turn_tall and height / width >= 1.5 else cut


def smallest_rectangle(points: np.ndarray) -> np.ndarray:
    """The smallest rectangle around points, float32 (4, 2), clockwise from the corner nearest to the image's top left.

    It may stand at any angle.
    """
    corners = cv2.boxPoints(cv2.minAreaRect(np.asarray(points, np.float32)))
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)
