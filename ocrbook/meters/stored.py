"""Strict JSON: files whose every field is known, and whose numbers are finite."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ocrbook import strict_json
from ocrbook.files import write_atomically

LARGEST_FILE = 1_000_000
"""Bytes; a larger file is refused before it is read."""


def load(path: str | Path, what: str, known: Collection[str], needed: Collection[str]) -> dict[str, Any]:
    """The fields of an object in a file of UTF-8, with a byte order mark or without.

    Parameters
    ----------
    path : str or Path
    what : str
        What the file should be, for the messages: "profile".
    known, needed : collections of str
        The names that fields may have, and those that must be there.

    Raises
    ------
    OSError
        If there is no such file, or it can't be opened.
    ValueError
        If it is too large, no JSON, or its fields are not those; the message names the file, in one line.
    """
    path = Path(path)
    if path.is_fifo() or path.is_char_device() or path.is_socket():  # would be waited for
        raise ValueError(f"{path} is no {what}: it is no file")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"{path} is no {what}: it has more than {LARGEST_FILE:,} bytes")
    try:
        fields = strict_json.parse(content.decode("utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{path} is no {what}: it holds a {type(fields).__name__}, not an object")
    if unknown := set(fields) - set(known):
        names = (name.encode("unicode_escape").decode()[:40] for name in sorted(unknown)[:5])
        raise ValueError(f"{path} has unknown fields: {', '.join(names)}")
    if missing := set(needed) - set(fields):
        raise ValueError(f"{path} lacks fields: {', '.join(sorted(missing))}")
    return fields


def save(path: str | Path, fields: dict[str, Any]) -> None:
    """Write an object, whole or not at all.

    Raises
    ------
    OSError
        If it can't be written.
    """
    text = json.dumps(fields, allow_nan=False, separators=(",", ": "))
    write_atomically(Path(path), (text + "\n").encode("ascii"))
