"""WebP, BMP, GIF and AVIF, whose decoders notice by themselves what is missing."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, Image, WebPImagePlugin

from ocrbook.images.directory import ORIENTATION
from ocrbook.images.parts import MOST_PARTS, Head, Wrong, loaded


def webp_head(content: bytes) -> Head:
    """The first chunk; no browser turns WebP as EXIF says."""
    kind = content[12:16]
    if kind == b"VP8X":
        return Head(*(1 + int.from_bytes(content[at : at + 3], "little") for at in (24, 27)))
    if kind == b"VP8 ":
        return Head(*(side & 0x3FFF for side in struct.unpack_from("<HH", content, 26)))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return Head(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    raise Wrong("does not say its size")


def bmp_head(content: bytes) -> Head:
    """The size; a negative height says that rows begin at the top."""
    (length,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", content, 18)
    return Head(width, abs(height))


def _gif_parts(content: bytes) -> tuple[int, bytes, int]:
    """Where the head of a GIF ends, what tells the colour that is transparent, and where the first picture begins."""
    start = position = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    control = b""
    for _ in range(MOST_PARTS):
        if content[position] == 0x2C:
            return start, control, position
        if content[position] != 0x21:
            break
        first, position = position, position + 2
        while content[position] and position - first < MOST_PARTS:
            position += 1 + content[position]
        position += 1
        if content[first + 1] == 0xF9:
            control = content[first:position]
    raise Wrong("has no picture in it")


def _gif_frame(content: bytes) -> tuple[int, int, int, int]:
    """Where the first picture of a GIF stands on its screen: left, top, right, bottom."""
    left, top, width, height = struct.unpack_from("<HHHH", content, _gif_parts(content)[2] + 1)
    return left, top, left + width, top + height


def gif_head(content: bytes) -> Head:
    """The screen, or what is needed for a first picture that is larger."""
    return Head(*np.maximum(struct.unpack_from("<HH", content, 6), _gif_frame(content)[2:]).tolist())


def gif(content: bytes) -> Image.Image:
    """Decode the first picture of a GIF; what it leaves free of the screen is transparent."""
    start, control, position = _gif_parts(content)
    picture = loaded(GifImagePlugin.GifImageFile, io.BytesIO(content[:start] + control + content[position:]))
    frame = _gif_frame(content)
    if frame == (0, 0, *picture.size):
        return picture
    screen = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    screen.paste(picture.crop(frame).convert("RGBA"), frame)
    return screen


def avif_head(content: bytes) -> Head:
    """What Pillow says, which looks at the head only."""
    picture = AvifImagePlugin.AvifImageFile(io.BytesIO(content))
    return Head(*picture.size, picture.getexif().get(ORIENTATION, 1))


def _simple(kind: type[Image.Image]) -> Callable[[bytes], Image.Image]:
    return lambda content: loaded(kind, io.BytesIO(content))


webp, bmp, avif = map(
    _simple, (WebPImagePlugin.WebPImageFile, BmpImagePlugin.BmpImageFile, AvifImagePlugin.AvifImageFile)
)
