"""PNG: from the chunks that hold its pixels; all checksums must be right."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from ocrbook.images.directory import orientation_of
from ocrbook.images.parts import CUT, MOST_PARTS, Head, Unknown, Wrong, loaded

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of each chunk of a PNG."""
    position = len(_SIGNATURE)
    for _ in range(MOST_PARTS):
        if position + 12 > len(content):
            raise Wrong(CUT)
        length, kind = struct.unpack_from(">I4s", content, position)
        if position + 12 + length > len(content):
            raise Wrong(CUT)
        yield kind, position + 8, position + 8 + length
        if kind == b"IEND":
            return
        position += 12 + length
    raise Unknown(f"has more than {MOST_PARTS:,} chunks")


def head(content: bytes) -> Head:
    """Size and orientation, from the chunks up to the last one."""
    width, height, orientation = 0, 0, 1
    for kind, start, end in _chunks(content):
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", content, start)
        elif kind == b"eXIf":
            orientation = orientation_of(content[start:end])
        if kind in (b"eXIf", b"IDAT"):  # what stands behind them is passed over by browsers
            break
    return Head(width, height, orientation)


def decode(content: bytes) -> Image.Image:
    """Decode a PNG from the chunks that hold its pixels; all checksums must be right."""
    parts, depth, colour = [_SIGNATURE], 0, 0
    key, colours = False, 0
    for kind, start, end in _chunks(content):
        body = content[start:end]
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(kind + body)):
            raise Wrong(f"has a wrong checksum ({kind.decode('ascii', 'replace')})")
        if kind not in _PIXELS:
            if not kind.isalpha() or kind[:1].isupper():  # an upper case letter: not to be left out
                raise Unknown(f"has a part that is not in the standard ({kind.decode('ascii', 'replace')})")
            continue
        if (kind == b"IHDR") != (len(parts) == 1):
            raise Wrong("has a header in the wrong place")
        if kind == b"IHDR":
            depth, colour = body[8:10]
        elif kind == b"PLTE":
            colours = len(body) // 3
        elif kind == b"tRNS" and colour in (0, 2):
            if len(body) != (6 if colour == 2 else 2):
                raise Wrong("has a transparent colour of another kind")
            key = True
            if colour == 0 and depth < 8:  # Pillow spreads gray to 0..255, and leaves the transparent one as it is
                level = body[1] * 255 // (2**depth - 1)
                if level > 255:  # of no pixel
                    continue
                body = struct.pack(">H", level)
        parts += struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))
    whole = b"".join(parts)
    picture = loaded(PngImagePlugin.PngImageFile, io.BytesIO(whole))
    if colour == 3 and picture.getextrema()[1] >= colours:
        raise Wrong("has colours that are not in its palette")
    if depth == 16 and colour == 2 and key:  # Pillow would compare the upper halves of the numbers only
        deep = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_UNCHANGED)
        picture = Image.fromarray(cv2.cvtColor((deep >> 8).astype(np.uint8), cv2.COLOR_BGRA2RGBA))
    return picture
