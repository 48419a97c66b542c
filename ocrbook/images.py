"""Decoding pictures, in one place: what a viewer sees is what is read.

Pillow decodes, and gives what OpenCV gave, gray level for gray level. Three things are done here that neither does.
The file is walked through first, part by part, and only the parts that make pixels are handed on: so its size is known
before anything is unpacked, and what else is in it costs nothing. A picture is then taken whole or not at all. And it
is shown as viewers show it: transparency on white, turned as EXIF says.

Two things are left as they are: colour profiles are not applied (text has the same shape in any of them), and of an
animation or a file of several pages the first picture is read.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

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
_MOST_PARTS = 50_000  # segments or chunks: 200 MB of a PNG that is written in pieces of 4 kB
_MOST_SCANS = 100  # of a JPEG: progressive ones have about ten, and each costs a pass over all pixels


class ImageError(ValueError):
    """A file that is not a picture, or a damaged one, or one that is too large; the message names it and says why.

    >>> from ocrbook import images
    >>> try:
    ...     images.decode(b"", "empty.png")
    ... except images.ImageError as error:
    ...     print(error)
    empty.png is not an image that can be read
    """


class _Wrong(Exception):
    """Why a file can't be read, without its name."""


class _Unknown(_Wrong):
    """Why a file is not read though it may be whole, without its name."""


_CUT = "ends too early"
_NOT_SHOWN = "has values of a kind that no viewer shows; store it with 8 bits a channel"


@dataclass
class _Head:
    """What the head of a file tells: its size as stored, and EXIF's orientation (1 where that makes no sense)."""

    format: str
    width: int
    height: int
    orientation: int = 1

    def __post_init__(self) -> None:
        if self.orientation not in range(1, 9):
            self.orientation = 1

    @property
    def size(self) -> tuple[int, int]:
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


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
    head = _head(content, name)
    if max(head.width, head.height) > _LONGEST or head.width * head.height > MOST_PIXELS:
        most = f"{MOST_PIXELS:,} pixels, or {_LONGEST:,} a side"
        raise ImageError(f"{name} has {head.width} x {head.height} pixels; more than {most}, are not decoded")
    try:
        picture = _FORMATS[head.format].decode(content)
        if picture.size != (head.size if head.format == "TIFF" else (head.width, head.height)):
            raise _Wrong("says two things about its size")
        pixels = _on_white(picture)
    except _Wrong as error:
        raise ImageError(_said(name, error)) from None
    except MemoryError:
        raise ImageError(f"{name} has {head.width} x {head.height} pixels, too many for the memory") from None
    except Exception as error:  # whatever a decoder says of bytes that can be anything
        raise ImageError(
            f"{name} can't be decoded: it is damaged, or of an unknown kind ({_one_line(error)})"
        ) from None
    return pixels if head.format == "TIFF" else _turned(pixels, head.orientation)


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
    head = _head(content, name)
    return (head.format, *head.size)


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


def _said(name: str, error: _Wrong) -> str:
    return f"{name} can't be read: it {error}" if isinstance(error, _Unknown) else f"{name} is damaged: it {error}"


def _head(content: bytes, name: str) -> _Head:
    kind = next((kind for kind, given in _FORMATS.items() if given.begins.match(content)), None)
    if kind is None:
        raise ImageError(f"{name} is not an image that can be read")
    try:
        head = _FORMATS[kind].head(content)
        if min(head.width, head.height) < 1:
            raise _Wrong("has no pixels")
    except _Wrong as error:
        raise ImageError(_said(name, error)) from None
    except (struct.error, IndexError):
        raise ImageError(f"{name} is damaged: it {_CUT}") from None
    except Exception as error:  # of Pillow, which looks at the heads of AVIF
        raise ImageError(f"{name} is damaged ({_one_line(error)})") from None
    return head


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
        raise _Unknown(_NOT_SHOWN)
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


def _orientation(exif: bytes) -> int:
    """EXIF's orientation; 1 where it says nothing that can be understood."""
    try:
        return _Ifd(exif.removeprefix(b"Exif\0\0")).numbers(_ORIENTATION)[0]
    except (_Wrong, KeyError, struct.error, IndexError):
        return 1


# JPEG

_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_ENDED = b"\xff\xd9"
_ONES = b"\xff\x00" * 8  # 64 bits, as many as libjpeg takes in before it needs them; no Huffman code has 16 ones, so
# that a decoder which is given these for blocks gets next to none out of them
_NOISE = np.random.default_rng(0).integers(1, 255, 64, np.uint8)  # without the bytes that have a meaning, 0 and 255
_TRIES = 4  # times two: two alone may look the same by chance, in one of some ten thousand pictures that were cut off
_SPARE = 8  # bytes between the last block and the end mark that some cameras write, besides zeros


class _Marks:
    """Where marks stand in the bytes of a JPEG: restart marks, and those that end a scan."""

    def __init__(self, content: bytes) -> None:
        values = np.frombuffer(content, np.uint8)
        places = np.flatnonzero(values[:-1] == 0xFF)
        follows = values[places + 1]
        places, follows = (each[(follows != 0) & (follows != 0xFF)] for each in (places, follows))
        restart = follows & 0xF8 == 0xD0
        self.restarts, self.numbers, self.ends = places[restart], follows[restart] & 7, places[~restart]
        self.length = len(content)

    def end(self, start: int) -> int:
        """Where the scan ends whose coded bytes begin at `start`."""
        at = np.searchsorted(self.ends, start)
        return int(self.ends[at]) if at < len(self.ends) else self.length


@dataclass
class _Scan:
    """One pass over the blocks of a JPEG: its segments before it, its coded bytes between restart marks."""

    tables: bytes
    coded: list[bytes]
    marks: list[bytes]

    def filled(self, filler: bytes) -> bytes:
        """As in the file, with something behind each stretch of coded bytes."""
        parts = [self.tables]
        for coded, mark in zip(self.coded, [*self.marks, b""], strict=True):
            parts += coded, filler, mark
        return b"".join(parts)


def _segments(content: bytes, marks: _Marks | None = None) -> Iterator[tuple[int, bytes, int]]:
    """Marker, body and end of each segment of a JPEG up to its end mark; without `marks`, up to the first scan."""
    position = 2
    for _ in range(_MOST_PARTS):
        found = _MARKER.match(content, position)
        if not found:
            raise _Wrong(_CUT if position >= len(content) else "has bytes where a segment should begin")
        marker, start = found[1][0], found.end()
        if marker == 0xD9:
            yield marker, b"", start
            return
        if marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            raise _Wrong("has bytes where a segment should begin")
        (length,) = struct.unpack_from(">H", content, start)
        position = start + length
        if length < 2 or position > len(content):
            raise _Wrong(_CUT)
        yield marker, content[start + 2 : position], position
        if marker == 0xDA:
            if marks is None:
                return
            position = marks.end(position)
    raise _Unknown(f"has more than {_MOST_PARTS:,} segments")


@dataclass
class _Frame:
    """The frame header of a JPEG: its kind, size, and the sampling (across, down) of its components."""

    progressive: bool
    width: int
    height: int
    sampling: dict[int, tuple[int, int]]

    @classmethod
    def of(cls, marker: int, body: bytes) -> _Frame:
        depth, height, width, count = struct.unpack_from(">BHHB", body)
        if marker > 0xC2 or depth != 8:
            raise _Unknown("is of a kind of JPEG that no viewer shows")
        sampling = {body[6 + 3 * i]: divmod(body[7 + 3 * i], 16) for i in range(count)}
        if len(sampling) != count or not all(1 <= side <= 4 for pair in sampling.values() for side in pair):
            raise _Wrong("has a frame header that can't be")
        return cls(marker == 0xC2, width, height, sampling)

    def blocks(self, components: list[int]) -> int:
        """How many blocks, or groups of blocks, a scan of these components has."""
        most = np.max(list(self.sampling.values()), axis=0)
        if len(components) > 1:
            return int(np.prod(-(-np.array([self.width, self.height]) // (8 * most))))
        own = -(-np.array([self.width, self.height]) * self.sampling[components[0]] // most)
        return int(np.prod(-(-own // 8)))


_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg_head(content: bytes) -> _Head:
    orientation = None  # of the first EXIF
    for marker, body, _ in _segments(content):
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and orientation is None:
            orientation = _orientation(body)
        elif marker in _FRAMES:
            frame = _Frame.of(marker, body)
            return _Head("JPEG", frame.width, frame.height, orientation or 1)
        elif marker in (0xD9, 0xDA):
            break
    raise _Wrong("has no frame header")


def _jpeg_scans(content: bytes) -> tuple[list[_Scan], bool]:
    """The scans of a JPEG, checked as far as that goes without decoding, and whether its end mark is there."""
    tables, scans, frame, interval, lacking, ended = b"", [], None, 0, {}, False
    marks = _Marks(content)
    try:
        for marker, body, start in _segments(content, marks):
            if marker == 0xD9:
                ended = True
            elif marker in _FRAMES:
                if frame:
                    raise _Wrong("has two frame headers")
                frame = _Frame.of(marker, body)
                lacking = {component: np.ones(64, bool) for component in frame.sampling}
            elif marker == 0xDD:
                (interval,) = struct.unpack(">H", body)
            if marker in _FRAMES or marker in (0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE):
                tables += b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body
            if marker == 0xDA:
                if frame is None:
                    raise _Wrong("has no frame header")
                if len(scans) == _MOST_SCANS:
                    raise _Unknown(f"has more than {_MOST_SCANS} scans")
                components = list(body[1 : 1 + 2 * body[0] : 2])
                first, last = np.searchsorted(marks.restarts, (start, end := marks.end(start)))
                expected = -(-frame.blocks(components) // interval) - 1 if interval else 0
                if not np.array_equal(marks.numbers[first:last], np.arange(expected) % 8):
                    raise _Wrong("lacks parts of its pixels, or has too many")
                places = marks.restarts[first:last].tolist()
                coded = [
                    content[a:b].rstrip(b"\xff")
                    for a, b in zip([start, *(each + 2 for each in places)], [*places, end], strict=True)
                ]
                scans.append(_Scan(tables, coded, [content[each : each + 2] for each in places]))
                first, last, bits = body[-3:] if frame.progressive else (0, 63, 0)
                for component in components:
                    lacking[component][first : last + 1] = bool(bits & 15)
                tables = b""
    except (_Wrong, struct.error, IndexError, KeyError, ValueError):
        if not scans or any(each.any() for each in lacking.values()):
            raise
    if not scans or any(each.any() for each in lacking.values()):
        raise _Wrong("lacks parts of its pixels")
    return scans, ended


class _Watched(io.BytesIO):
    """A file of which a read ends at given offsets: where its reader stops tells how much it needed."""

    def __init__(self, content: bytes, stops: tuple[int, ...]) -> None:
        super().__init__(content)
        self.stops = stops

    def read(self, size: int = -1) -> bytes:
        room = next((stop - self.tell() for stop in self.stops if stop > self.tell()), size)
        return super().read(room if size < 0 else min(size, room))


def _jpeg(content: bytes) -> Image.Image:
    """Decode a JPEG whose blocks are all there.

    libjpeg fills what is missing with gray, without a word to Pillow, and there is no other place that counts blocks.
    So the decoder itself is asked. It stops reading when it has the last block: of a picture in one stretch, that must
    be at the end of the stretch. Where a picture has several stretches, or no end mark that says where the last one
    ends, it is decoded again and again with other bytes behind each: blocks that are all there stay as they are.
    """
    scans, ended = _jpeg_scans(content)
    if ended and len(scans) == 1 and len(scans[0].coded) == 1:
        stretch = b"\xff\xd8" + scans[0].filled(b"")
        needed = len(scans[0].coded[0].rstrip(b"\0")) - _SPARE
        early = len(stretch) - len(scans[0].coded[0]) + max(needed, 0)
        late = len(stretch) + len(_ONES)
        file = _Watched(stretch + _ONES + _ENDED, (early, late))
        picture = _loaded(JpegImagePlugin.JpegImageFile, file)
        if not early < file.tell() <= late:
            raise _Wrong("lacks parts of its pixels, or has too many")
        return picture
    pictures = (
        _loaded(
            JpegImagePlugin.JpegImageFile,
            io.BytesIO(b"\xff\xd8" + b"".join(scan.filled(noise.tobytes()) for scan in scans) + _ENDED),
        )
        for start in range(1 if ended else _TRIES)
        for noise in (np.roll(_NOISE, -start), 255 - np.roll(_NOISE, -start))
    )
    picture = next(pictures)
    if any(ImageChops.difference(picture, other).getbbox() for other in pictures):
        raise _Wrong("lacks parts of its pixels")
    return picture


# PNG

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS_OF_PNG = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the body of each chunk of a PNG."""
    position = len(_SIGNATURE)
    for _ in range(_MOST_PARTS):
        if position >= len(content):
            return
        length, kind = struct.unpack_from(">I4s", content, position)
        if position + 12 + length > len(content):
            raise _Wrong(_CUT)
        yield kind, position + 8, position + 8 + length
        if kind == b"IEND":
            return
        position += 12 + length
    raise _Unknown(f"has more than {_MOST_PARTS:,} chunks")


def _png_head(content: bytes) -> _Head:
    width, height, orientation = 0, 0, 1
    for kind, start, end in _chunks(content):
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", content, start)
        elif kind == b"eXIf":
            orientation = _orientation(content[start:end])
    return _Head("PNG", width, height, orientation)


def _png(content: bytes) -> Image.Image:
    """Decode a PNG from the chunks that hold its pixels; all checksums must be right."""
    parts, depth, colour = [_SIGNATURE], 0, 0
    key = False
    for kind, start, end in _chunks(content):
        body = content[start:end]
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(kind + body)):
            raise _Wrong(f"has a wrong checksum ({_one_line(kind.decode('ascii', 'replace'))})")
        if kind not in _PIXELS_OF_PNG:
            continue
        if kind == b"IHDR":
            depth, colour = body[8:10]
        elif kind == b"tRNS":
            key = True
            if colour == 0 and depth < 8:  # Pillow spreads gray to 0..255, and leaves the transparent one as it is
                body = struct.pack(">H", struct.unpack(">H", body)[0] * 255 // (2**depth - 1))
        parts += struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))
    whole = b"".join(parts)
    picture = _loaded(PngImagePlugin.PngImageFile, io.BytesIO(whole))
    if depth == 16 and colour == 2 and key:  # Pillow would compare the upper halves of the numbers only
        deep = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_UNCHANGED)
        picture = Image.fromarray(cv2.cvtColor((deep >> 8).astype(np.uint8), cv2.COLOR_BGRA2RGBA))
    return picture


# TIFF

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 256, 257, 258, 259
_PHOTOMETRIC, _ORIENTATION, _PLANES, _SIGN = 262, 274, 284, 339
_PLACES = ((273, 279), (324, 325))  # offsets and lengths of strips, of tiles
_MOST_TAGS = 1_000
_WARNINGS = threading.Lock()  # Python's filters of warnings are one for all threads
_PIXELS_OF_TIFF = {
    *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325),
    *(332, 334, 338, 339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532),
}


class _Ifd:
    """The first directory of a TIFF (or of EXIF, which is one): what its tags say."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order = {b"II": "<", b"MM": ">"}.get(content[:2])
        if self.order is None:
            raise _Wrong("is no TIFF")
        (version,) = struct.unpack_from(self.order + "H", content, 2)
        self.big = version == 43  # files of more than 4 GB have wider offsets
        self.offset, self.count = ("Q", "Q") if self.big else ("I", "H")
        (start,) = struct.unpack_from(self.order + self.offset, content, 8 if self.big else 4)
        (number,) = struct.unpack_from(self.order + self.count, content, start)
        start += struct.calcsize("=" + self.count)
        room = struct.calcsize("=" + self.offset)
        if number > _MOST_TAGS:
            raise _Unknown(f"has more than {_MOST_TAGS:,} tags")
        self.tags: dict[int, tuple[int, int, int]] = {}
        self.entries: dict[int, bytes] = {}
        for at in range(start, start + number * (4 + 2 * room), 4 + 2 * room):
            tag, kind, values = struct.unpack_from(self.order + "HH" + self.offset, content, at)
            place = at + 4 + room
            if values * _SIZES.get(kind, 1) > room:
                (place,) = struct.unpack_from(self.order + self.offset, content, place)
            self.tags.setdefault(tag, (kind, values, place))
            self.entries.setdefault(tag, content[at : at + 4 + 2 * room])

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The whole numbers of a tag; KeyError where there is none, or it holds something else."""
        kind, values, place = self.tags[tag]
        if place + values * _SIZES[kind] > len(self.content):
            raise _Wrong(_CUT)
        return struct.unpack_from(f"{self.order}{values}{_NUMBERS[kind]}", self.content, place)

    def all_of(self, tag: int, otherwise: int) -> set[int]:
        """The whole numbers of a tag, or what stands for them where there is none."""
        return set(self.numbers(tag)) if tag in self.tags else {otherwise}

    def only_pixels(self) -> bytes:
        """The file with a directory of nothing but what describes the pixels of its first page."""
        kept = {tag: entry for tag, entry in sorted(self.entries.items()) if tag in _PIXELS_OF_TIFF}
        ends = [place + values * _SIZES.get(kind, 1) for kind, values, place in map(self.tags.get, kept)]
        if max(ends, default=0) > len(self.content):
            raise _Wrong(_CUT)
        at = len(self.content) + len(self.content) % 2
        head = struct.pack(self.order + ("HHHQ" if self.big else "HI"), *((43, 8, 0, at) if self.big else (42, at)))
        number, none = struct.pack(self.order + self.count, len(kept)), struct.pack(self.order + self.offset, 0)
        rest = self.content[2 + len(head) :].ljust(at - 2 - len(head), b"\0")
        return b"".join([self.content[:2], head, rest, number, *kept.values(), none])


def _tiff_head(content: bytes) -> _Head:
    try:
        ifd = _Ifd(content)
        (width,), (height,) = ifd.numbers(_WIDTH), ifd.numbers(_HEIGHT)
        return _Head("TIFF", width, height, ifd.numbers(_ORIENTATION)[0] if _ORIENTATION in ifd.tags else 1)
    except (KeyError, ValueError):
        raise _Wrong("does not say its size") from None


def _tiff(content: bytes) -> Image.Image:
    """Decode the first page of a TIFF, upright; all its strips or tiles must lie in the file."""
    ifd = _Ifd(content)
    for offsets, lengths in _PLACES:
        if offsets in ifd.tags:
            places = zip(ifd.numbers(offsets), ifd.numbers(lengths), strict=True)
            if any(offset + length > len(content) for offset, length in places):
                raise _Wrong(_CUT)
    bits = ifd.all_of(_BITS, 1)
    deep_planes = 16 in bits and ifd.all_of(_PLANES, 1) == {2} and ifd.all_of(_COMPRESSION, 1) == {1}
    if not bits <= {1, 2, 4, 8, 16} or ifd.all_of(_SIGN, 1) != {1} or deep_planes:  # Pillow confuses such planes
        raise _Unknown(_NOT_SHOWN)
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = _loaded(TiffImagePlugin.TiffImageFile, io.BytesIO(ifd.only_pixels()))
    if bits == {16} and ifd.all_of(_PHOTOMETRIC, 1) == {0}:  # a negative, which Pillow leaves as it is
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) ^ 0xFFFF)
    return picture


# The others


def _webp_head(content: bytes) -> _Head:
    """The first chunk; no browser turns WebP as EXIF says."""
    kind = content[12:16]
    if kind == b"VP8X":
        return _Head("WEBP", *(1 + int.from_bytes(content[at : at + 3], "little") for at in (24, 27)))
    if kind == b"VP8 ":
        return _Head("WEBP", *(side & 0x3FFF for side in struct.unpack_from("<HH", content, 26)))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return _Head("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    raise _Wrong("does not say its size")


def _bmp_head(content: bytes) -> _Head:
    (length,) = struct.unpack_from("<I", content, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", content, 18)
    return _Head("BMP", width, abs(height))


def _gif_parts(content: bytes) -> tuple[int, bytes, int]:
    """Where the head of a GIF ends, what tells the colour that is transparent, and where the first picture begins."""
    start = position = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    control = b""
    for _ in range(_MOST_PARTS):
        if content[position] == 0x2C:
            return start, control, position
        if content[position] != 0x21:
            break
        first, position = position, position + 2
        while content[position] and position - first < _MOST_PARTS:
            position += 1 + content[position]
        position += 1
        if content[first + 1] == 0xF9:
            control = content[first:position]
    raise _Wrong("has no picture in it")


def _gif_frame(content: bytes) -> tuple[int, int, int, int]:
    """Where the first picture of a GIF stands on its screen: left, top, right, bottom."""
    left, top, width, height = struct.unpack_from("<HHHH", content, _gif_parts(content)[2] + 1)
    return left, top, left + width, top + height


def _gif_head(content: bytes) -> _Head:
    """The screen, or what is needed for a first picture that is larger."""
    return _Head("GIF", *np.maximum(struct.unpack_from("<HH", content, 6), _gif_frame(content)[2:]).tolist())


def _gif(content: bytes) -> Image.Image:
    """Decode the first picture of a GIF; what it leaves free of the screen is transparent."""
    start, control, position = _gif_parts(content)
    picture = _loaded(GifImagePlugin.GifImageFile, io.BytesIO(content[:start] + control + content[position:]))
    frame = _gif_frame(content)
    if frame == (0, 0, *picture.size):
        return picture
    screen = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    screen.paste(picture.crop(frame).convert("RGBA"), frame)
    return screen


def _avif_head(content: bytes) -> _Head:
    picture = AvifImagePlugin.AvifImageFile(io.BytesIO(content))
    return _Head("AVIF", *picture.size, picture.getexif().get(_ORIENTATION, 1))


def _loaded(kind: type[Image.Image], file: io.BytesIO) -> Image.Image:
    """A picture, decoded by one of Pillow's classes."""
    picture = kind(file)
    picture.load()
    return picture


def _simple(kind: type[Image.Image]) -> Callable[[bytes], Image.Image]:
    return lambda content: _loaded(kind, io.BytesIO(content))


@dataclass(frozen=True)
class _Format:
    begins: re.Pattern[bytes]
    head: Callable[[bytes], _Head]
    decode: Callable[[bytes], Image.Image]


_FORMATS = {
    "JPEG": _Format(re.compile(rb"\xff\xd8\xff"), _jpeg_head, _jpeg),
    "PNG": _Format(re.compile(re.escape(_SIGNATURE)), _png_head, _png),
    "WEBP": _Format(re.compile(rb"RIFF....WEBP", re.DOTALL), _webp_head, _simple(WebPImagePlugin.WebPImageFile)),
    "BMP": _Format(re.compile(rb"BM"), _bmp_head, _simple(BmpImagePlugin.BmpImageFile)),
    "GIF": _Format(re.compile(rb"GIF8[79]a"), _gif_head, _gif),
    "TIFF": _Format(re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff_head, _tiff),
    "AVIF": _Format(re.compile(rb"....ftypavi[fs]", re.DOTALL), _avif_head, _simple(AvifImagePlugin.AvifImageFile)),
}
