"""Decoding pictures, in one place: what a viewer sees is what is read.

Pillow decodes, and gives what OpenCV gave, gray level for gray level. Three things are done here that neither does.
The file is walked through first, part by part, and only the parts that make pixels are handed on: so its size is known
before anything is unpacked, and what else is in it costs nothing. A picture is then taken whole or not at all. And it
is shown as viewers show it: transparency on white, turned as EXIF says.

Two things are left as they are: colour profiles are not applied (text has the same shape in any of them), and of an
animation or a file of several pages the first picture is read.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ocrbook.images import jpeg, others, png, tiff
from ocrbook.images.parts import CUT, NOT_SHOWN, Head, Unknown, Wrong

__all__ = ["MOST_BYTES", "MOST_PIXELS", "MOST_SIDE", "ImageError", "content_of", "decode", "header", "read"]

MOST_BYTES = 2**30
"""Of a file: 1 GiB."""
MOST_PIXELS = 150_000_000
"""Width times height that are decoded: A0 at 300 dots per inch."""
MOST_SIDE = 32_766
"""The longest side that OpenCV can warp (it counts with 16 bits), and so the longest that PaddleOCR can read.

Longer pictures are decoded, up to 2^20 pixels a side as with `cv2.imread`; `ocrbook.crops.crop` cuts lines out of them.
"""
_LONGEST = 2**20
_UNREAD = {Wrong: "is damaged", Unknown: "can't be read"}


class ImageError(ValueError):
    """A file that is not a picture, or a damaged one, or one that is too large; the message names it and says why.

    >>> from ocrbook import images
    >>> try:
    ...     images.decode(b"", "empty.png")
    ... except images.ImageError as error:
    ...     print(error)
    empty.png is not an image that can be read
    """


def decode(content: bytes, name: str = "image") -> np.ndarray:
    """Decode a picture: JPEG, PNG, WebP, BMP, GIF, TIFF or AVIF.

    Transparency is shown on white, EXIF's orientation is applied (not in WebP, where browsers pass over it), and of 16
    bits the upper eight are kept. A damaged picture is refused whole. A JPEG without its end mark, or with something
    behind it, is read if all its blocks are there.

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

    Examples
    --------
    >>> import cv2, numpy as np
    >>> from ocrbook import images
    >>> clear = np.zeros((2, 3, 4), np.uint8)  # black, and wholly transparent
    >>> images.decode(cv2.imencode(".png", clear)[1].tobytes())[0, 0].tolist()
    [255, 255, 255]
    >>> images.decode(b"GIF or so")
    Traceback (most recent call last):
    ocrbook.images.ImageError: image is not an image that can be read
    """
    kind = _kind(content, name)
    head = _head(kind, content, name)
    if max(head.width, head.height) > _LONGEST or head.width * head.height > MOST_PIXELS:
        most = f"{MOST_PIXELS:,} pixels, or {_LONGEST:,} a side"
        raise ImageError(f"{name} has {head.width} x {head.height} pixels; more than {most}, are not decoded")
    try:
        picture = _FORMATS[kind].decode(content)
        if picture.size != (head.width, head.height):
            raise Wrong("says two things about its size")
        return _turned(_on_white(picture), head.orientation)
    except Wrong as error:
        raise ImageError(_said(name, error)) from None
    except MemoryError:
        raise ImageError(f"{name} has {head.width} x {head.height} pixels, too many for the memory") from None
    except Exception as error:  # whatever a decoder says of bytes that can be anything
        raise ImageError(
            f"{name} can't be decoded: it is damaged, or of an unknown kind ({_one_line(error)})"
        ) from None


def header(content: bytes, name: str = "image") -> tuple[str, int, int]:
    """Format, width and height of a picture as it is seen (turned as EXIF says), from its head.

    Nothing is decoded; the time is bounded whatever the bytes are. No limit is applied to the size.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    name : str
        For the message.

    Returns
    -------
    tuple of str, int, int
        "JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF" or "AVIF"; pixels.

    Raises
    ------
    ImageError
        If it is no picture, or its head is damaged or endless.

    Examples
    --------
    >>> import cv2, numpy as np
    >>> from ocrbook import images
    >>> images.header(cv2.imencode(".png", np.zeros((2, 3, 3), np.uint8))[1].tobytes())
    ('PNG', 3, 2)
    """
    kind = _kind(content, name)
    return (kind, *_head(kind, content, name).seen)


def read(path: str | Path) -> np.ndarray:
    """Read a picture from a file, as `decode` does.

    Returns
    -------
    uint8 array (H, W, 3), BGR

    Raises
    ------
    ImageError
        As `decode`; also where the file is missing, is none (a folder, a pipe, a device), or can't be opened.

    Examples
    --------
    >>> from ocrbook import images
    >>> images.read("datasets/meter-lcd/lcd_015.jpg").dtype
    dtype('uint8')
    >>> images.read("datasets")
    Traceback (most recent call last):
    ocrbook.images.ImageError: datasets is a folder, not an image
    """
    return decode(content_of(path), _shown(path))


def content_of(path: str | Path) -> bytes:
    """The bytes of a file that should be a picture; never waits for a pipe or a device.

    Raises
    ------
    ImageError
        If the file is missing, is none, can't be opened, or has more than `MOST_BYTES`.

    Examples
    --------
    >>> from ocrbook import images
    >>> images.header(images.content_of("datasets/meter-lcd/lcd_015.jpg"))[0]
    'JPEG'
    """
    path = Path(path)
    name = _shown(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            kind = os.fstat(file.fileno())
            if not stat.S_ISREG(kind.st_mode):
                raise ImageError(f"{name} is a pipe or a device, not an image")
            content = file.read(MOST_BYTES + 1) if kind.st_size <= MOST_BYTES else b""
    except IsADirectoryError:
        raise ImageError(f"{name} is a folder, not an image") from None
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        raise ImageError(f"{name} can't be read: {getattr(error, 'strerror', None) or error}") from None
    if max(kind.st_size, len(content)) > MOST_BYTES:
        raise ImageError(f"{name} has more than {MOST_BYTES:,} bytes; such files are not read")
    if not content:
        raise ImageError(f"{name} is empty")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe without a writer would be waited for


def _shown(path: str | Path) -> str:
    """The path in one line that can be printed, also where its name is no UTF-8 or has line breaks."""
    return _one_line(os.fspath(path).encode("utf-8", "backslashreplace").decode())


def _one_line(text: object) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", str(text))


def _kind(content: bytes, name: str) -> str:
    kind = next((kind for kind, given in _FORMATS.items() if given.begins.match(content)), None)
    if kind is None:
        other = next((what for what, begins in _OTHERS.items() if begins.match(content)), None)
        raise ImageError(f"{name} is {other}" if other else f"{name} is not an image that can be read")
    return kind


def _head(kind: str, content: bytes, name: str) -> Head:
    try:
        head = _FORMATS[kind].head(content)
        if min(head.width, head.height) < 1:
            raise Wrong("has no pixels")
    except Wrong as error:
        raise ImageError(_said(name, error)) from None
    except (struct.error, IndexError):
        raise ImageError(f"{name} is damaged: it {CUT}") from None
    except Exception as error:  # of Pillow, which looks at the heads of AVIF
        raise ImageError(f"{name} is damaged ({_one_line(error)})") from None
    return head


def _said(name: str, error: Wrong) -> str:
    return f"{name} {_UNREAD[type(error)]}: it {_one_line(error)}"


@dataclass(frozen=True)
class _Format:
    begins: re.Pattern[bytes]
    head: Callable[[bytes], Head]
    decode: Callable[[bytes], Image.Image]  # as it is stored, not turned


_FORMATS = {
    "JPEG": _Format(re.compile(rb"\xff\xd8\xff"), jpeg.head, jpeg.decode),
    "PNG": _Format(re.compile(rb"\x89PNG\r\n\x1a\n"), png.head, png.decode),
    "WEBP": _Format(re.compile(rb"RIFF....WEBP", re.DOTALL), others.webp_head, others.webp),
    "BMP": _Format(re.compile(rb"BM"), others.bmp_head, others.bmp),
    "GIF": _Format(re.compile(rb"GIF8[79]a"), others.gif_head, others.gif),
    "TIFF": _Format(re.compile(rb"II[*+]\0|MM\0[*+]"), tiff.head, tiff.decode),
    "AVIF": _Format(re.compile(rb"....ftypavi[fs]", re.DOTALL), others.avif_head, others.avif),
}

_OTHERS = {
    "a HEIC picture, whatever its name says: export it as JPEG": re.compile(
        rb"....ftyp(.{8,24})?he[iv][cmsx]", re.DOTALL
    ),
    "a PDF, not an image: export its pages as PNG": re.compile(rb"%PDF-"),
}
"""What people take for an image that can be read, and what to do with it."""


# What is seen


def _on_white(picture: Image.Image) -> np.ndarray:
    """The pixels of a picture of any mode, BGR, on white where it is transparent."""
    clear = picture.info.get("transparency")
    if picture.mode.startswith("I;16"):
        deep = np.asarray(picture)
        gray = (deep >> 8).astype(np.uint8)
        if clear is not None:
            gray[deep == clear] = 255
        return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    if picture.mode not in ("1", "L", "P", "PA", "RGB", "RGBX", "CMYK", "YCbCr", "LA", "RGBA", "RGBa"):
        raise Unknown(NOT_SHOWN)
    if clear is not None or picture.mode in ("PA", "LA", "RGBA", "RGBa"):
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return _pixels(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _pixels(picture: Image.Image) -> np.ndarray:
    """The pixels of an RGB picture, BGR. Band by band: that takes a third of the time and half the memory."""
    width, height = picture.size
    pixels = np.empty((height, width, 3), np.uint8)
    step = max(1, 50_000 // width)
    for top in range(0, height, step):
        band = picture.crop((0, top, width, min(top + step, height)))
        pixels[top : top + step] = np.frombuffer(band.tobytes("raw", "BGR"), np.uint8).reshape(-1, width, 3)
    return pixels


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright, from how EXIF says that the picture is stored."""
    if orientation in (2, 4, 5, 7):  # mirrored
        pixels = pixels[:, ::-1]
    quarters = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(pixels, quarters))
