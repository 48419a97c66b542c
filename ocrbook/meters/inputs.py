"""From images to what the networks are given. Whoever trains and whoever reads must do the same."""

from __future__ import annotations

import cv2
import numpy as np

DIGIT_SIZE = (48, 32)
DIAL_SIZE = (64, 64)
WINDOW_HEIGHT = 48
PHOTO_SIZE = (320, 320)
BESIDE = 32
"""Columns of zeros to the right of a window: the network was taught with some, and needs them for the last position."""


def gray(images: np.ndarray) -> np.ndarray:
    """Images (B, H, W, 3) without their colour: that of a backlight deviates more than what is shown on it."""
    return np.repeat(images.mean(axis=3, dtype=np.float32, keepdims=True), 3, axis=3)


def normalized(images: np.ndarray) -> np.ndarray:
    """Images without their light: each minus its mean, by its deviation; (B, H, W, 3) to float32 (B, 3, H, W)."""
    x = images.astype(np.float32)
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return ((x - mean) / (x.std(axis=(1, 2, 3), keepdims=True) + 6)).transpose(0, 3, 1, 2)


def fit_window(image: np.ndarray, widest: int = 640) -> tuple[np.ndarray, float]:
    """A window at the height that positions are looked for, or less where it would become too wide; and the scale."""
    height, width = image.shape[:2]
    scale = min(WINDOW_HEIGHT / height, widest / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), scale


def fit_photo(image: np.ndarray, side: int = PHOTO_SIZE[0]) -> tuple[np.ndarray, float]:
    """A photograph whose longer side has `side` pixels, and the scale."""
    scale = side / max(image.shape[:2])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), scale
