"""What all label formats need: rows of UTF-8, strict JSON, and the files that names mean.

A reader of another format gives back `Parsed`: a list, which also counts what had no use here and was passed over.
"""

from __future__ import annotations

import codecs
import os
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from ocrbook import images, names, strict_json

T = TypeVar("T")

_KINDS = {dict: "an object", list: "a list", str: "a text"}  # in messages
_BREAKS = re.compile("[\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029]+")
_SHOWN = 20  # problems listed in a message
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Parsed(list[T], Generic[T]):
    """What a reader found, as a list, and what it passed over.

    Attributes
    ----------
    passed_over : Counter of str
        How often the file has what labels here have no use for, such as "relation": 2. Empty where all was used.

    Examples
    --------
    >>> found = Parsed(["a page"], {"relation": 2})
    >>> found == ["a page"], found.passed_over["relation"]
    (True, 2)
    """

    def __init__(self, items: Iterable[T] = (), passed_over: Mapping[str, int] | None = None) -> None:
        super().__init__(items)
        self.passed_over = Counter(passed_over)


def relative(path: str | Path, start: str | Path) -> str:
    """The path from the folder `start` to a file, with slashes on every system."""
    return Path(os.path.relpath(path, start)).as_posix()


def image_name(path: str | Path, start: str | Path) -> str:
    """The path from the folder `start` to an image, checked: a reader of a list finds the same name in it.

    Raises
    ------
    ValueError
        If there is no name, or a list can't hold it: tabs, line breaks, bytes that are not UTF-8.
    """
    if not str(path):
        raise ValueError("a page has no image")
    name = relative(path, start)
    if not name.strip() or name.startswith("\ufeff") or re.search("[\t\r\n]", name):
        raise ValueError(f"a list can't hold the name {name!r}: rename the file")
    check_text(name, "the name of the image")
    return name


def check_text(text: str, what: str = "the text") -> None:
    """Raise ValueError if a text can't be written: half of a surrogate pair is valid in JSON, and in no file."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what}, {text!r}, can't be written as UTF-8") from None


def locate(name: str, *folders: Path) -> Path | None:
    """The file that a name means, in the first folder that has it, whatever system wrote the name; None without one."""
    return next(filter(None, (names.find(name, folder) for folder in folders)), None)


def image_size(path: str | Path) -> tuple[int, int]:
    """Width and height in pixels, turned as EXIF's orientation says; nothing is decoded.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an image, or can't be read.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"no image at {path}")
    return images.header(images.content_of(path), str(path))[1:]


def one_line(text: str) -> str:
    """The text with a space where it has tabs or line breaks, which would end a column or a row."""
    return _BREAKS.sub(" ", text)


def rows(path: str | Path, unreadable: Callable[[int, str], None] | None = None) -> Iterator[tuple[int, str]]:
    """The rows of a UTF-8 file that are not blank, with their numbers from 1; any line ends, with a BOM or without.

    Parameters
    ----------
    path : str or Path
    unreadable : function of (number, reason), optional
        Called for each row that is not UTF-8, which is passed over. Without it the first one is an error.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it can't be opened, or a row is not UTF-8: with file, line number, and what to do.
    """
    for number, row, reason in _lines(Path(path)):
        if not reason:
            if row.strip():
                yield number, row
        elif unreadable:
            unreadable(number, reason)
        else:
            raise ValueError(f"{path}, line {number}: {reason}")


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number and text of each line, and why it can't be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    utf16 = content.startswith(_UTF_16) or (len(content) > 1 and not (any(content[::2]) and any(content[1::2])))
    if utf16:  # with its mark, or without one: then each second byte of plain text is 0
        yield 1, "", "UTF-16, not UTF-8: save the file again, as UTF-8"
        return
    for number, row in enumerate(re.split(b"\r\n|\n|\r", content.removeprefix(codecs.BOM_UTF8)), 1):
        try:
            yield number, row.decode(), ""
        except UnicodeDecodeError as error:
            yield number, "", f"not UTF-8 (byte 0x{row[error.start]:02x}): save the file again, as UTF-8"


def read_json(path: str | Path) -> Any:
    """Read a JSON file in UTF-8; ValueError with the file's name if it isn't one."""
    lines = []
    for number, row, reason in _lines(Path(path)):
        if reason:
            raise ValueError(f"{path}, line {number}: {reason}")
        lines.append(row)
    try:
        return strict_json.parse("\n".join(lines))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None


def member(record: Any, name: str, kind: type[T]) -> T:
    """What an object of a JSON file has under a name; ValueError if it has none, or one of another kind."""
    if not isinstance(record, dict):
        raise ValueError(f"{shown(record)} is not an object")
    if name not in record:
        raise ValueError(f"no {name!r}")
    if not isinstance(record[name], kind):
        raise ValueError(f"{name} is {shown(record[name])}, expected {_KINDS[kind]}")
    return record[name]


def number(value: Any, what: str) -> float:
    """A finite number of a JSON file, which neither true nor "1" is; ValueError that says what it should be."""
    if type(value) not in (int, float) or not -1e9 < value < 1e9:
        raise ValueError(f"{what} is {shown(value)}, expected a number")
    return value


def as_list(value: Any) -> list:
    """A list as it is, nothing as an empty one, and one value as a list of it."""
    return value if isinstance(value, list) else [] if value is None else [value]


def shown(value: Any) -> str:
    """A value of a file in a message: its beginning is enough."""
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


@contextmanager
def at(place: str) -> Iterator[None]:
    """Put a place, such as "a.json, task 3", in front of the message of a ValueError that happens in the block; names
    and texts of a file that are quoted there can't break the line."""
    try:
        yield
    except RecursionError:
        raise ValueError(one_line(f"{place}: nested too deeply")) from None
    except ValueError as error:
        raise ValueError(one_line(f"{place}: {error}")) from None


def refuse(problems: Sequence[str], consequence: str) -> None:
    """Raise ValueError that lists problems, if there are any."""
    if problems:
        raise ValueError(listing(problems, consequence))


def listing(problems: Sequence[str], consequence: str) -> str:
    """How many problems there are, what follows from them, and the first twenty."""
    more = len(problems) - _SHOWN
    count = f"{len(problems)} problem{'s' * (len(problems) > 1)} in the labels; {consequence}:"
    return "\n  ".join([count, *problems[:_SHOWN], *([f"... and {more} more"] if more > 0 else [])])
