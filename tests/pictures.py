"""Pictures of every kind that people store, for tests: small, asymmetric, and smooth enough for JPEG."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 50, 34


def scene(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Colours that differ in all four corners, with a dark bar near the top left; uint8 (H, W, 3), RGB."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    image = np.stack([255 * x / width, 255 * y / height, 160 - 100 * x * y / width / height], axis=2)
    image[height // 6 : height // 3, width // 8 : width // 2] *= 0.2
    return cv2.GaussianBlur(image, (0, 0), 1).astype(np.uint8)


def alpha() -> np.ndarray:
    """Transparent on the left, half on the right, opaque between; uint8 (H, W)."""
    ramp = np.clip((np.arange(WIDTH) - 8) * 20, 0, 255)
    ramp[WIDTH * 3 // 4 :] = 128
    return np.tile(ramp, (HEIGHT, 1)).astype(np.uint8)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    """An image in a file format of Pillow's."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


PNG = b"\x89PNG\r\n\x1a\n"
"""How a PNG begins."""


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: np.ndarray, depth: int, colour: int, *chunks: bytes) -> bytes:
    """A PNG from rows of bytes as PNG stores them (uint8, (H, bytes)), with chunks before its pixels."""
    head = struct.pack(">IIBBBBB", WIDTH, len(rows), depth, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = chunk(b"IHDR", head), *chunks, chunk(b"IDAT", packed), chunk(b"IEND")
    return PNG + b"".join(parts)


def exif(orientation: int) -> bytes:
    """EXIF that says nothing but how the picture is stored."""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HHI", orientation, 0, 0)


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def told_strangely() -> dict[str, bytes]:
    """JPEG and PNG files that say something in a way that few programs write; browsers and C# read them alike."""
    jpeg = stored(Image.fromarray(scene()), "JPEG", quality=95, subsampling=0)
    scan = jpeg.index(b"\xff\xda")
    rows = scene()[..., 0]
    turned, other = exif(6), exif(3)
    marks = {
        "byte": turned.replace(b"\0\x03\0\0\0\x01\0\x06", b"\0\x01\0\0\0\x01\x06\0"),
        "long": turned.replace(b"\0\x03\0\0\0\x01\0\x06\0\0", b"\0\x04\0\0\0\x01\0\0\0\x06"),
        "two": turned.replace(b"\0\0\0\x01\0\x06", b"\0\0\0\x02\0\x06"),
        "nine": exif(9),
        "little": b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 274, 3, 1, 6, 0, 0),
    }
    made = {f"{name}.jpg": jpeg[:2] + segment(0xE1, b"Exif\0\0" + mark) + jpeg[2:] for name, mark in marks.items()}
    made |= {f"{name}.png": png(rows, 8, 0, chunk(b"eXIf", mark)) for name, mark in marks.items()}
    first, second = (segment(0xE1, b"Exif\0\0" + mark) for mark in (turned, other))
    made["xmp-first.jpg"] = jpeg[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0") + first + jpeg[2:]
    made["two-marks.jpg"] = jpeg[:2] + first + second + jpeg[2:]
    made["empty-first.jpg"] = jpeg[:2] + segment(0xE1, b"Exif\0\0") + first + jpeg[2:]
    made["filled.jpg"] = jpeg[:2] + first.replace(b"Exif\0\0", b"Exif\0\xff") + jpeg[2:]
    made["behind-the-frame.jpg"] = jpeg[:scan] + first + jpeg[scan:]
    made["a-few-bytes.jpg"] = jpeg[:20] + b"\x12\x34" + jpeg[20:]
    made["alone.jpg"] = jpeg[:2] + b"\xff\x01" + jpeg[2:]
    made["two-marks.png"] = png(rows, 8, 0, chunk(b"eXIf", turned), chunk(b"eXIf", other))
    made["named.png"] = png(rows, 8, 0, chunk(b"eXIf", b"Exif\0\0" + turned))
    end = png(rows, 8, 0)[:-12]
    made["behind.png"] = end + chunk(b"eXIf", turned) + chunk(b"IEND", b"")
    for depth in (1, 2, 4, 8):  # a transparent gray with more bits than there are
        for more in (1 << depth, 256):
            key = struct.pack(">H", int(rows[9, 9]) >> (8 - depth) | more)
            made[f"key{depth}-{more}.png"] = png(_packed(rows >> (8 - depth), depth), depth, 0, chunk(b"tRNS", key))
    cmyk = stored(Image.fromarray(np.dstack([scene(), rows]), "CMYK"), "JPEG", quality=95)
    at = cmyk.index(b"\xff\xee")
    made["without-adobe.jpg"] = cmyk[:at] + cmyk[at + 16 :]
    return made


def told_wrongly() -> dict[str, bytes]:
    """PNG files that browsers refuse, or of which each viewer makes something else."""
    rows = scene()[..., 0]
    head = png(rows, 8, 0)[8:33]
    return {
        "no-palette.png": png(rows, 8, 3),
        "few-colours.png": png(rows, 8, 3, chunk(b"PLTE", bytes(range(200, 248)))),
        "no-end.png": png(rows, 8, 0)[:-12],
        "half-an-end.png": png(rows, 8, 0)[:-7],
        "short-key.png": png(rows, 8, 0, chunk(b"tRNS", b"\0")),
        "long-key.png": png(rows, 8, 0, chunk(b"tRNS", b"\0\0\0")),
        "empty-palette.png": png(rows, 8, 3, chunk(b"PLTE", b"")),
        "two-heads.png": png(rows, 8, 0, head),
        "unknown-part.png": png(rows, 8, 0, chunk(b"ABCD", b"x")),
    }


def tiff_tag(content: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF of Pillow's with another value in one of its short tags."""
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, at)[0] == tag:
            return content[: at + 8] + struct.pack("<H", value) + content[at + 10 :]
    raise KeyError(tag)


def as_stored(image: np.ndarray, orientation: int) -> np.ndarray:
    """How a picture is stored that EXIF's orientation brings upright: the inverse, written down case by case."""
    return {
        1: lambda x: x,
        2: np.fliplr,
        3: lambda x: np.rot90(x, 2),
        4: np.flipud,
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }[orientation](image)


def for_browsers() -> dict[str, bytes]:
    """Pictures of kinds that browsers show."""
    rgb = scene()
    image, clear = Image.fromarray(rgb), Image.fromarray(np.dstack([rgb, alpha()]))
    gray = image.convert("L")
    few = image.quantize(16)
    cmyk = Image.fromarray(np.dstack([255 - rgb, np.full(rgb.shape[:2], 40, np.uint8)]), "CMYK")
    deep = (rgb.astype(np.uint16) * 257 ^ 0x55).astype(">u2")
    tones = np.asarray(gray).astype(np.uint16)
    made = {
        "plain.jpg": stored(image, "JPEG", quality=95),
        "gray.jpg": stored(gray, "JPEG", quality=95),
        "progressive.jpg": stored(image, "JPEG", quality=95, progressive=True),
        "restarts.jpg": stored(image, "JPEG", quality=95, restart_marker_blocks=2),
        "full.jpg": stored(image, "JPEG", quality=95, subsampling=0),
        "cmyk.jpg": stored(cmyk, "JPEG", quality=95),
        "rgb.jpg": stored(image, "JPEG", quality=95, keep_rgb=True),
        "plain.png": stored(image, "PNG"),
        "rgba.png": stored(clear, "PNG"),
        "la.png": stored(clear.convert("LA"), "PNG"),
        "few.png": stored(few, "PNG"),
        "few-clear.png": stored(few, "PNG", transparency=bytes(range(0, 256, 16))),
        "few-one-clear.png": stored(few, "PNG", transparency=int(np.asarray(few)[0, 0])),
        "bits.png": stored(image.convert("1"), "PNG"),
        "rgb-key.png": stored(image, "PNG", transparency=tuple(rgb[20, 20].tolist())),
        "gray-key.png": stored(gray, "PNG", transparency=int(tones[20, 20])),
        "rgb16.png": png(deep.reshape(HEIGHT, -1).view(np.uint8), 16, 2),
        "rgb16-key.png": png(deep.reshape(HEIGHT, -1).view(np.uint8), 16, 2, chunk(b"tRNS", deep[20, 20].tobytes())),
        "gray16.png": png((tones * 257).astype(">u2").view(np.uint8), 16, 0),
        "gray16-key.png": png(
            (tones * 256).astype(">u2").view(np.uint8), 16, 0, chunk(b"tRNS", struct.pack(">H", tones[20, 20] * 256))
        ),
        "rgba16.png": png(
            np.dstack([deep, alpha().astype(">u2") * 257]).astype(">u2").reshape(HEIGHT, -1).view(np.uint8), 16, 6
        ),
        "la16.png": png(
            np.dstack([tones * 257, alpha().astype(">u2") * 257]).astype(">u2").reshape(HEIGHT, -1).view(np.uint8),
            16,
            4,
        ),
        "plain.webp": stored(image, "WEBP", lossless=True),
        "lossy.webp": stored(image, "WEBP", quality=95),
        "rgba.webp": stored(clear, "WEBP", lossless=True, exact=True),
        "moving.webp": stored(image, "WEBP", lossless=True, save_all=True, append_images=[few.convert("RGB")]),
        "plain.bmp": stored(image, "BMP"),
        "rgba.bmp": bmp_with_alpha(np.dstack([rgb, alpha()])),
        "no-alpha.bmp": bmp_with_alpha(np.dstack([rgb, alpha() * 0])),
        "gray.bmp": stored(gray, "BMP"),
        "bits.bmp": stored(image.convert("1"), "BMP"),
        "plain.gif": stored(few, "GIF"),
        "clear.gif": stored(few, "GIF", transparency=int(np.asarray(few)[0, 0])),
        "frame.gif": stored(few, "GIF")[:6] + struct.pack("<HH", WIDTH + 9, HEIGHT + 5) + stored(few, "GIF")[10:],
        "clear-frame.gif": stored(few, "GIF", transparency=int(np.asarray(few)[0, 0]))[:6]
        + struct.pack("<HH", WIDTH + 9, HEIGHT + 5)
        + stored(few, "GIF", transparency=int(np.asarray(few)[0, 0]))[10:],
        "large-frame.gif": stored(few, "GIF")[:6] + struct.pack("<HH", WIDTH - 9, HEIGHT - 5) + stored(few, "GIF")[10:],
        "moving.gif": stored(few, "GIF", save_all=True, append_images=[image.rotate(180).quantize(16)]),
        "moving.png": stored(image, "PNG", save_all=True, append_images=[image.rotate(180)], duration=60000),
        "plain.avif": stored(image, "AVIF", quality=95, subsampling="4:4:4"),
    }
    for depth in (1, 2, 4):
        tone = np.asarray(gray) >> (8 - depth)
        made[f"gray{depth}.png"] = png(_packed(tone, depth), depth, 0)
        made[f"gray{depth}-key.png"] = png(
            _packed(tone, depth), depth, 0, chunk(b"tRNS", struct.pack(">H", tone[20, 20]))
        )
        index = np.asarray(few) % 2**depth
        palette = chunk(b"PLTE", bytes(few.getpalette()[: 3 * 2**depth]))
        made[f"palette{depth}.png"] = png(_packed(index, depth), depth, 3, palette)
        made[f"palette{depth}-clear.png"] = png(_packed(index, depth), depth, 3, palette, chunk(b"tRNS", b"\0\x80"))
    for orientation in range(1, 9):
        turned = Image.fromarray(np.ascontiguousarray(as_stored(rgb, orientation)))
        mark = exif(orientation)
        made[f"turned{orientation}.jpg"] = stored(turned, "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0" + mark)
        made[f"turned{orientation}.png"] = stored(turned, "PNG", exif=mark)
        made[f"turned{orientation}.webp"] = stored(turned, "WEBP", lossless=True, exif=mark)
        made[f"turned{orientation}.avif"] = stored(turned, "AVIF", quality=95, subsampling="4:4:4", exif=mark)
    return made


def others() -> dict[str, bytes]:
    """Pictures of kinds that no browser shows, or that this one shows otherwise than they were stored."""
    rgb = scene()
    image, clear = Image.fromarray(rgb), Image.fromarray(np.dstack([rgb, alpha()]))
    tones = np.asarray(image.convert("L")).astype(np.uint16)
    made = {"rgba.avif": stored(clear, "AVIF", quality=100, subsampling="4:4:4")}
    for name in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        made[f"plain-{name}.tif"] = stored(image, "TIFF", compression=name)
        made[f"rgba-{name}.tif"] = stored(clear, "TIFF", compression=name)
    over = np.dstack([(rgb * (alpha()[..., None] / 255)).round().astype(np.uint8), alpha()])
    made["associated.tif"] = tiff_tag(stored(Image.fromarray(over), "TIFF"), 338, 1)
    made["la.tif"] = stored(clear.convert("LA"), "TIFF")
    made["gray.tif"] = stored(image.convert("L"), "TIFF")
    made["gray16.tif"] = stored(Image.fromarray(tones * 257), "TIFF")
    made["few.tif"] = stored(image.quantize(16), "TIFF", compression="tiff_lzw")
    made["bits.tif"] = stored(image.convert("1"), "TIFF", compression="group4")
    made["jpeg.tif"] = stored(image, "TIFF", compression="jpeg", quality=95)
    made["cmyk.tif"] = stored(image.convert("CMYK"), "TIFF")
    made["pages.tif"] = stored(image, "TIFF", save_all=True, append_images=[image.rotate(180)])
    made["rgb16.tif"] = cv2.imencode(".tif", rgb[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
    for orientation in range(1, 9):
        turned = Image.fromarray(np.ascontiguousarray(as_stored(rgb, orientation)))
        made[f"turned{orientation}.tif"] = stored(turned, "TIFF", tiffinfo={274: orientation})
    return made


def _packed(values: np.ndarray, depth: int) -> np.ndarray:
    bits = (values[..., None] >> np.arange(depth)[::-1] & 1).reshape(len(values), -1)
    return np.packbits(bits.astype(np.uint8), axis=1)


def bmp_with_alpha(rgba: np.ndarray) -> bytes:
    """A BMP whose header (version 4) gives the fourth byte a meaning."""
    height, width = rgba.shape[:2]
    pixels = np.ascontiguousarray(rgba[::-1, :, [2, 1, 0, 3]]).tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels
