"""TIFF: the first page, of which only the tags are handed on that describe pixels."""

from __future__ import annotations

import io
import threading
import warnings

import numpy as np
from PIL import Image, TiffImagePlugin

from ocrbook.images.directory import ORIENTATION, Directory
from ocrbook.images.parts import CUT, NOT_SHOWN, Head, Unknown, Wrong, loaded

_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 256, 257, 258, 259
_PHOTOMETRIC, _PLANES, _SIGN = 262, 284, 339
_PLACES = ((273, 279), (324, 325))  # offsets and lengths of strips, of tiles
_WARNINGS = threading.Lock()  # Python's filters of warnings are one for all threads
_PIXELS = {
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(332, 334, 338, 339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
}


def head(content: bytes) -> Head:
    """Size and orientation of the first page."""
    try:
        directory = Directory(content)
        (width,), (height,) = directory.numbers(_WIDTH), directory.numbers(_HEIGHT)
        return Head(width, height, directory.numbers(ORIENTATION)[0] if ORIENTATION in directory.tags else 1)
    except (KeyError, ValueError):
        raise Wrong("does not say its size") from None


def decode(content: bytes) -> Image.Image:
    """Decode the first page of a TIFF, as it is stored; all its strips or tiles must lie in the file."""
    directory = Directory(content)
    for offsets, lengths in _PLACES:
        if offsets in directory.tags:
            places = zip(directory.numbers(offsets), directory.numbers(lengths), strict=True)
            if any(offset + length > len(content) for offset, length in places):
                raise Wrong(CUT)
    bits = directory.all_of(_BITS, 1)
    deep_planes = 16 in bits and directory.all_of(_PLANES, 1) == {2} and directory.all_of(_COMPRESSION, 1) == {1}
    if not bits <= {1, 2, 4, 8, 16} or directory.all_of(_SIGN, 1) != {1} or deep_planes:  # Pillow confuses such planes
        raise Unknown(NOT_SHOWN)
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = loaded(TiffImagePlugin.TiffImageFile, io.BytesIO(directory.with_only(_PIXELS)))
    if bits == {16} and directory.all_of(_PHOTOMETRIC, 1) == {0}:  # a negative, which Pillow leaves as it is
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) ^ 0xFFFF)
    return picture
