"""What all label formats need: relative paths, image sizes without decoding, texts that fit into a row."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocrbook import images

_BREAKS = re.compile("[\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029]+")


def relative(path: str | Path, start: str | Path) -> str:
    """The path from the folder `start` to a file, with slashes on every system."""
    return Path(os.path.relpath(path, start)).as_posix()


def image_size(path: str | Path) -> tuple[int, int]:
    """Width and height in pixels, turned as EXIF's orientation says; nothing is decoded.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an image.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no image at {path}")
    return images.header(images.content_of(path), str(path))[1:]


def one_line(text: str) -> str:
    """The text with a space where it has tabs or line breaks, which would end a column or a row."""
    return _BREAKS.sub(" ", text)


def rows(path: str | Path) -> Iterator[tuple[int, str]]:
    """The rows of a text file that are not blank, with their numbers from 1; LF or CRLF, with or without a BOM."""
    for number, row in enumerate(Path(path).read_bytes().decode("utf-8-sig").split("\n"), 1):
        if row.strip():
            yield number, row.rstrip("\r")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; ValueError with the file's name if it isn't one."""
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
