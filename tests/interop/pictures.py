"""JPEG and PNG files of kinds that no library here writes, for tests of the readers in C#."""

import struct
import zlib

import numpy as np
from scipy.fft import dctn

from tests.pictures import PNG, chunk

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def segment(marker: int, content: bytes) -> bytes:
    """A part of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


class _Bits:
    def __init__(self) -> None:
        self.text: list[str] = []

    def add(self, value: int, length: int) -> None:
        if length:
            self.text.append(format(value, f"0{length}b"))

    def bytes(self) -> bytes:
        text = "".join(self.text)
        text += "1" * (-len(text) % 8)
        packed = bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))
        return packed.replace(b"\xff", b"\xff\0")


def jpeg(
    planes: list[np.ndarray],
    factors: list[tuple[int, int]],
    *,
    ids: str | None = None,
    extra: bytes = b"",
    step: int = 6,
    wide: bool = False,
    interval: int = 0,
    together: bool = True,
) -> bytes:
    """A baseline JPEG file.

    Parameters
    ----------
    planes : list of uint8 arrays (H, W), all of one size
        The components; those with smaller factors are thinned out.
    factors : list of (across, down), 1 to 4
    ids : names of the components, one character each; None for 1, 2, ...
    extra : parts that follow the start of the file
    step : what frequencies are divided by
    wide : write that as 16 bits, and codes of 12 bits
    interval : units between restarts
    together : one pass over all components, else one for each
    """
    (height, width), count = planes[0].shape, len(planes)
    most = np.max(factors, axis=0)
    names = [ord(c) for c in ids] if ids else list(range(1, count + 1))
    table = struct.pack(">B64H", 16, *[step] * 64) if wide else bytes([0] + [step] * 64)
    content = b"\xff\xd8" + extra + segment(0xDB, table)
    frame = struct.pack(">BHHB", 8, height, width, count)
    frame += b"".join(bytes([name, h << 4 | v, 0]) for name, (h, v) in zip(names, factors, strict=True))
    content += segment(0xC0, frame)
    length = 12 if wide else 8
    changes = [0x00, 0xF0, *(run << 4 | size for run in range(16) for size in range(1, 11))]
    codes = {symbol: code for code, symbol in enumerate(changes)}
    content += segment(0xC4, bytes([0, 0, 0, 0, 12] + [0] * 12 + list(range(12))))
    content += segment(0xC4, bytes([0x10] + [len(changes) * (i == length) for i in range(1, 17)] + changes))
    if interval:
        content += segment(0xDD, struct.pack(">H", interval))
    blocks = []
    for plane, (h, v) in zip(planes, factors, strict=True):
        thin = plane[np.arange(0, height * v, most[1]) // v][:, np.arange(0, width * h, most[0]) // h]
        units = (-(-width // (8 * most[0])) * h, -(-height // (8 * most[1])) * v)
        padded = np.pad(thin, ((0, 8 * units[1] - thin.shape[0]), (0, 8 * units[0] - thin.shape[1])), "edge")
        cut = padded.reshape(units[1], 8, units[0], 8).swapaxes(1, 2).astype(float) - 128
        whole = np.round(dctn(cut, axes=(2, 3), norm="ortho") / step).astype(int).reshape(units[1], units[0], 64)
        blocks.append((whole, -(-thin.shape[0] // 8), -(-thin.shape[1] // 8)))
    for scan in [range(count)] if together else [[c] for c in range(count)]:
        head = bytes([len(scan)]) + b"".join(bytes([names[c], 0]) for c in scan) + bytes([0, 63, 0])
        content += segment(0xDA, head) + _scan(scan, factors, blocks, codes, length, interval)
    return content + b"\xff\xd9"


def _scan(scan, factors, blocks, codes, length, interval) -> bytes:
    alone, content, bits, last = len(scan) == 1, b"", _Bits(), dict.fromkeys(scan, 0)
    all_blocks, down, across = blocks[scan[0]]
    if not alone:
        across, down = all_blocks.shape[1] // factors[scan[0]][0], all_blocks.shape[0] // factors[scan[0]][1]
    for unit in range(across * down):
        if interval and unit and unit % interval == 0:
            content += bits.bytes() + bytes([0xFF, 0xD0 + (unit // interval - 1) % 8])
            bits, last = _Bits(), dict.fromkeys(scan, 0)
        y, x = divmod(unit, across)
        for c in scan:
            h, v = (1, 1) if alone else factors[c]
            for row in range(y * v, y * v + v):
                for column in range(x * h, x * h + h):
                    values = blocks[c][0][row, column][ZIGZAG]
                    size, code = _signed(int(values[0]) - last[c])
                    last[c] = int(values[0])
                    bits.add(size, 4)
                    bits.add(code, size)
                    _changes(bits, values, codes, length)
    return content + bits.bytes()


def _changes(bits: _Bits, values: np.ndarray, codes: dict[int, int], length: int) -> None:
    zeros = 0
    for value in values[1 : 1 + int(np.max(np.nonzero(values[1:])[0], initial=-1)) + 1]:
        if value == 0:
            zeros += 1
            continue
        for _ in range(zeros // 16):
            bits.add(codes[0xF0], length)
        size, code = _signed(int(value))
        bits.add(codes[zeros % 16 << 4 | size], length)
        bits.add(code, size)
        zeros = 0
    if values[63] == 0:
        bits.add(codes[0], length)


def _signed(value: int) -> tuple[int, int]:
    size = abs(value).bit_length()
    return size, value if value >= 0 else value + (1 << size) - 1


def png(
    samples: np.ndarray, colours: int, bits: int, *, interlaced: bool = False, parts: tuple[bytes, ...] = ()
) -> bytes:
    """A PNG file from samples (H, W, channels); parts are further chunks, name first, before the pixels."""
    height, width, _ = samples.shape
    rows = b""
    for x, y, across, down in PASSES if interlaced else ((0, 0, 1, 1),):
        for row in samples[y::down, x::across]:
            if row.size:
                rows += b"\0" + _packed(row.ravel(), bits)
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced)
    return chunks(head, *parts, b"IDAT" + zlib.compress(rows), b"IEND")


def chunks(*parts: bytes) -> bytes:
    """A PNG file from its chunks, name first."""
    return PNG + b"".join(chunk(part[:4], part[4:]) for part in parts)


def _packed(row: np.ndarray, bits: int) -> bytes:
    if bits == 16:
        return row.astype(">u2").tobytes()
    if bits == 8:
        return row.astype(np.uint8).tobytes()
    each = ((row[:, None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8)
    return np.packbits(each.ravel()).tobytes()
