"""The file in a request: what may be decoded at all."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from urllib.parse import urlsplit

import httpx
from PIL import Image

from ocrbook.serve.errors import Refusal
from ocrbook.serve.settings import Settings

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")


async def content_of(file: str, settings: Settings) -> tuple[bytes, int]:
    """The bytes of an image, and its pixels.

    Only its header is read: an image that would fill the memory is refused before it is decoded.

    Parameters
    ----------
    file : str
        Base64, or a URL where those are allowed.

    Raises
    ------
    Refusal
        413 if it is too large, 415 if it is no image, 422 if it is no base64, 403 or 422 for a URL.
    """
    if file[:8].lower().startswith(("http://", "https://")):
        content = await _fetch(file, settings)
    else:
        try:
            content = base64.b64decode(file, validate=True)
        except (binascii.Error, ValueError):
            raise Refusal(422, "file: this is not base64") from None
    if len(content) > settings.most_bytes:
        raise Refusal(413, f"file: more than {settings.most_bytes:,} bytes")
    return content, _pixels(content, settings.most_pixels)


def _pixels(content: bytes, most: int) -> int:
    """Width times height, from the header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; they are refused below
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        raise Refusal(413, f"file: more than {most:,} pixels") from None
    except Exception:  # whatever a parser says of bytes that anybody may send
        raise Refusal(415, f"file: not an image that can be read; {', '.join(FORMATS)} can") from None
    if width * height > most:
        raise Refusal(413, f"file: {width} x {height} are more than {most:,} pixels")
    return width * height


async def _fetch(url: str, settings: Settings) -> bytes:
    """A file from a host that is allowed; no redirects are followed, and no more is taken than may be."""
    try:
        host = urlsplit(url).netloc.lower()
    except ValueError:
        raise Refusal(422, "file: this is no URL") from None
    if host not in settings.fetch_from:
        raise Refusal(403, "file: this service fetches nothing from there; send the file itself, as base64")
    content = bytearray()
    try:
        async with httpx.AsyncClient(timeout=settings.body_seconds) as client, client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise Refusal(422, f"file: the host answered {answer.status_code}")
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > settings.most_bytes:
                    raise Refusal(413, f"file: more than {settings.most_bytes:,} bytes")
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Refusal(422, "file: it could not be fetched") from None
    return bytes(content)
