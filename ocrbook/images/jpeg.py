"""JPEG: a picture is taken if all its blocks are there."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, JpegImagePlugin

from ocrbook.images.directory import orientation_of
from ocrbook.images.parts import CUT, MOST_PARTS, Head, Unknown, Wrong, loaded

_MOST_SCANS = 100  # progressive ones have about ten, and each costs a pass over all pixels
_MARKER = re.compile(rb"(?:[^\xff]|\xff\0){0,16}\xff+([^\0\xff])", re.DOTALL)  # a few bytes before it do no harm
_ENDED = b"\xff\xd9"
_ONES = b"\xff\x00" * 8  # 64 bits, as many as libjpeg takes in before it needs them; no Huffman code has 16 ones, so
# that a decoder which is given these for blocks gets next to none out of them
_NOISE = np.random.default_rng(0).integers(1, 255, 64, np.uint8)  # without the bytes that have a meaning, 0 and 255
_TRIES = 4  # times two: two alone may look the same by chance, in one of some ten thousand pictures that were cut off
_SPARE = 16  # bytes between the last block and the end mark that some cameras write, besides zeros


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
    for _ in range(MOST_PARTS):
        found = _MARKER.match(content, position)
        if not found:
            raise Wrong(CUT if position >= len(content) else "has bytes where a segment should begin")
        marker, start = found[1][0], found.end()
        if marker == 0x01:  # stands alone, and says nothing
            position = start
            continue
        if marker == 0xD9:
            yield marker, b"", start
            return
        if marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            raise Wrong("has bytes where a segment should begin")
        (length,) = struct.unpack_from(">H", content, start)
        position = start + length
        if length < 2 or position > len(content):
            raise Wrong(CUT)
        yield marker, content[start + 2 : position], position
        if marker == 0xDA:
            if marks is None:
                return
            position = marks.end(position)
    raise Unknown(f"has more than {MOST_PARTS:,} segments")


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
            raise Unknown("is of a kind of JPEG that no viewer shows")
        sampling = {body[6 + 3 * i]: divmod(body[7 + 3 * i], 16) for i in range(count)}
        if len(sampling) != count or not all(1 <= side <= 4 for pair in sampling.values() for side in pair):
            raise Wrong("has a frame header that can't be")
        return cls(marker == 0xC2, width, height, sampling)

    def blocks(self, components: list[int]) -> int:
        """How many blocks, or groups of blocks, a scan of these components has."""
        most = np.max(list(self.sampling.values()), axis=0)
        if len(components) > 1:
            return int(np.prod(-(-np.array([self.width, self.height]) // (8 * most))))
        own = -(-np.array([self.width, self.height]) * self.sampling[components[0]] // most)
        return int(np.prod(-(-own // 8)))


_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def head(content: bytes) -> Head:
    """Size and orientation, from the segments before the first scan."""
    frame, orientation = None, None  # of the first EXIF
    for marker, body, _ in _segments(content):
        if marker == 0xE1 and body.startswith(b"Exif\0") and len(body) > 6 and orientation is None:
            orientation = orientation_of(body[6:])
        elif marker in _FRAMES:
            frame = frame or _Frame.of(marker, body)
    if frame is None:
        raise Wrong("has no frame header")
    return Head(frame.width, frame.height, orientation or 1)


def _scans(content: bytes) -> tuple[list[_Scan], bool]:
    """The scans of a JPEG, checked as far as that goes without decoding, and whether its end mark is there."""
    tables, scans, frame, interval, lacking, ended = b"", [], None, 0, {}, False
    marks = _Marks(content)
    try:
        for marker, body, start in _segments(content, marks):
            if marker == 0xD9:
                ended = True
            elif marker in _FRAMES:
                if frame:
                    raise Wrong("has two frame headers")
                frame = _Frame.of(marker, body)
                lacking = {component: np.ones(64, bool) for component in frame.sampling}
            elif marker == 0xDD:
                (interval,) = struct.unpack(">H", body)
            if marker in _FRAMES or marker in (0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE):
                tables += b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body
            if marker == 0xDA:
                if frame is None:
                    raise Wrong("has no frame header")
                if len(scans) == _MOST_SCANS:
                    raise Unknown(f"has more than {_MOST_SCANS} scans")
                components = list(body[1 : 1 + 2 * body[0] : 2])
                first, last = np.searchsorted(marks.restarts, (start, end := marks.end(start)))
                expected = -(-frame.blocks(components) // interval) - 1 if interval else 0
                if not np.array_equal(marks.numbers[first:last], np.arange(expected) % 8):
                    raise Wrong("lacks parts of its pixels, or has too many")
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
    except (Wrong, struct.error, IndexError, KeyError, ValueError):
        if not scans or any(each.any() for each in lacking.values()):
            raise
    if not scans or any(each.any() for each in lacking.values()):
        raise Wrong("lacks parts of its pixels")
    return scans, ended


class _Watched(io.BytesIO):
    """A file of which a read ends at given offsets: where its reader stops tells how much it needed."""

    def __init__(self, content: bytes, stops: tuple[int, ...]) -> None:
        super().__init__(content)
        self.stops = stops

    def read(self, size: int = -1) -> bytes:
        room = next((stop - self.tell() for stop in self.stops if stop > self.tell()), size)
        return super().read(room if size < 0 else min(size, room))


def decode(content: bytes) -> Image.Image:
    """Decode a JPEG whose blocks are all there.

    libjpeg fills what is missing with gray, without a word to Pillow, and there is no other place that counts blocks.
    So the decoder itself is asked. It stops reading when it has the last block: of a picture in one stretch, that must
    be at the end of the stretch. Where a picture has several stretches, or no end mark that says where the last one
    ends, it is decoded again and again with other bytes behind each: blocks that are all there stay as they are.
    """
    scans, ended = _scans(content)
    if ended and len(scans) == 1 and len(scans[0].coded) == 1:
        stretch = b"\xff\xd8" + scans[0].filled(b"")
        needed = len(scans[0].coded[0].rstrip(b"\0")) - _SPARE
        early = len(stretch) - len(scans[0].coded[0]) + max(needed, 0)
        late = len(stretch) + len(_ONES)
        file = _Watched(stretch + _ONES + _ENDED, (early, late))
        picture = loaded(JpegImagePlugin.JpegImageFile, file)
        if not early < file.tell() <= late:
            raise Wrong("lacks parts of its pixels, or has too many")
        return picture
    pictures = (
        loaded(
            JpegImagePlugin.JpegImageFile,
            io.BytesIO(b"\xff\xd8" + b"".join(scan.filled(noise.tobytes()) for scan in scans) + _ENDED),
        )
        for start in range(1 if ended else _TRIES)
        for noise in (np.roll(_NOISE, -start), 255 - np.roll(_NOISE, -start))
    )
    picture = next(pictures)
    if any(ImageChops.difference(picture, other).getbbox() for other in pictures):
        raise Wrong("lacks parts of its pixels")
    return picture
