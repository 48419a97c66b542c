"""Cutting a window out of a photograph."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.crops import crop

MARGIN = (0.18, 0.12)
"""What is cut out around the window of a profile, beside it and above, in its heights."""

WIDEST = 4_096
"""Pixels on the longest side of what is cut out; it could be larger than what can be read. Digits need far fewer."""


def cut_out(image: np.ndarray, quad: np.ndarray, margin: tuple[float, float] = MARGIN) -> tuple[np.ndarray, np.ndarray]:
    """A window, straightened, with a margin beside and above it in its heights; and the corners that were cut.

    It is as large as in the image, or has `WIDEST` pixels on its longest side.
    """
    across, down = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    height = np.linalg.norm(down)
    x = across / (np.linalg.norm(across) + 1e-9) * height * margin[0]
    y = down * margin[1]
    wider = quad + np.array([-x - y, x - y, x + y, -x + y])
    sides = np.linalg.norm(np.roll(wider, -1, axis=0) - wider, axis=1)
    scale = min(1.0, WIDEST / sides.max())
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return crop(image, wider * scale, turn_tall=False), wider
