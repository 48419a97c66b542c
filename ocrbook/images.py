"""Decoding pictures, in one place: what a viewer sees is what is read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


class ImageError(ValueError):
    """A file that is not a picture, or a damaged one, or one that is too large; the message names it and says why."""


def decode(content: bytes, name: str = "image") -> np.ndarray:
    """Decode a picture.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    name : str
        For the message.

    Returns
    -------
    uint8 array (H, W, 3), BGR

    Raises
    ------
    ImageError
        If it is no picture, is damaged, or is too large.
    """
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise ImageError(f"{name} is not an image that can be read")
    return image


def read(path: str | Path) -> np.ndarray:
    """Read a picture from a file, as `decode` does.

    Raises
    ------
    ImageError
        As `decode`; also where the file is missing, a folder, or can't be opened.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} can't be read: {error.strerror or error}") from None
    return decode(content, str(path))
