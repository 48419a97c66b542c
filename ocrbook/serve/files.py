"""The file in a request: what may be decoded at all."""

from __future__ import annotations

import asyncio
import base64
import binascii
from urllib.parse import urlsplit

import httpx

from ocrbook import images
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
    is_url = file[:8].lower().startswith(("http://", "https://"))
    content = await _fetch(file, settings) if is_url else file
    # in a thread: megabytes are decoded, and other clients wait for this one
    return await asyncio.to_thread(_checked, content, settings)


def _checked(file: str | bytes, settings: Settings) -> tuple[bytes, int]:
    try:
        content = file if isinstance(file, bytes) else base64.b64decode(_joined(file), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(422, "file: this is not base64: A to Z, a to z, 0 to 9, + and /, and = at its end") from None
    if len(content) > settings.most_bytes:
        raise Refusal(413, f"file: more than {settings.most_bytes:,} bytes")
    return content, _pixels(content, settings.most_pixels)


def _joined(text: str) -> bytes:
    """Base64 as one line: many programs break it after 64 or 76 characters."""
    return text.encode("ascii").translate(None, b" \t\r\n")


def _pixels(content: bytes, most: int) -> int:
    """Width times height, from the header."""
    try:
        kind, width, height = images.header(content, "file")
        if kind not in FORMATS:
            raise images.ImageError(f"{kind} is not read here")
    except images.ImageError:
        raise Refusal(415, f"file: not an image that can be read; {', '.join(FORMATS)} can") from None
    if width * height > most:
        raise Refusal(413, f"file: {width} x {height} are more than {most:,} pixels")
    if max(width, height) > images.MOST_SIDE:
        raise Refusal(413, f"file: {width} x {height} has a side of more than {images.MOST_SIDE:,} pixels")
    return width * height


async def _fetch(address: str, settings: Settings) -> bytes:
    """A file from a host that is allowed; no redirects are followed, and no more is taken than may be."""
    try:
        urlsplit(address)
    except ValueError:
        raise Refusal(422, "file: this is no URL") from None
    try:
        url = httpx.URL(address)  # what is checked is what is fetched: nobody else reads the address again
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo or url.netloc.decode("ascii") not in settings.fetch_from:
        raise Refusal(403, "file: this service fetches nothing from there; send the file itself, as base64")
    try:
        return await asyncio.wait_for(_download(url, settings.most_bytes), settings.body_seconds)
    except asyncio.TimeoutError:
        raise Refusal(422, f"file: the host did not send it within {settings.body_seconds:g} seconds") from None
    except httpx.HTTPError:
        raise Refusal(422, "file: it could not be fetched") from None


async def _download(url: httpx.URL, most: int) -> bytes:
    content = bytearray()
    plain = {"Accept-Encoding": "identity"}  # a few bytes, unpacked, can be gigabytes
    async with httpx.AsyncClient(timeout=None, headers=plain) as client, client.stream("GET", url) as answer:
        if answer.status_code != 200:
            raise Refusal(422, f"file: the host answered {answer.status_code}")
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refusal(422, "file: the host sent it compressed, and was asked not to")
        length = answer.headers.get("Content-Length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > most:
            raise Refusal(413, f"file: more than {most:,} bytes")
        async for part in answer.aiter_raw():
            content += part
            if len(content) > most:
                raise Refusal(413, f"file: more than {most:,} bytes")
    return bytes(content)
