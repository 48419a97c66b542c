"""The files of PPOCRLabel: `Label.txt`, `Cache.cach` and `fileState.txt`, beside the images of a folder.

A row of Label.txt (confirmed images) and Cache.cach (proposed by a model) is `<folder>/<file>`, a tab, and a JSON list
of {"transcription", "points", "difficult"}, in KIE projects with "key_cls". fileState.txt has `<folder>/<file>`, a tab
and 1 for every checked image. PPOCRLabel empties a Label.txt whose images have no row in fileState.txt, so the two are
always written together.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrbook import strict_json
from ocrbook.files import write_atomically
from ocrbook.labels.files import rows
from ocrbook.names import find
from ocrbook.page import Page, TextLine

NO_CLASS = "None"
"""PPOCRLabel's name for "no KIE class"."""

IGNORED = ("*", "###")
"""Texts that mark an illegible line, as in PaddleOCR."""

_LITERALS = re.compile(r"true|false|null")


@dataclass(frozen=True, eq=False)
class Label(TextLine):
    """A text line with what a label file knows beyond place and text.

    Parameters
    ----------
    points, text, score
        As in `TextLine`. PPOCRLabel keeps no scores; see `ocrbook.labels.Project`.
    difficult : bool
        Marked as hard to read.
    key_cls : str, optional
        Class of the line in key information extraction (KIE); None in projects without classes.

    Examples
    --------
    >>> label = Label([[0, 0], [9, 0], [9, 5], [0, 5]], "1234.5", key_cls="reading")
    >>> label.box, label.key_cls
    ((0.0, 0.0, 9.0, 5.0), 'reading')
    """

    difficult: bool = False
    key_cls: str | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Label):
            return NotImplemented
        return super().__eq__(other) and (self.difficult, self.key_cls) == (other.difficult, other.key_cls)

    @classmethod
    def of(cls, line: TextLine) -> Label:
        """A line as a label."""
        return line if isinstance(line, cls) else cls(line.points, line.text, line.score)


def split_row(row: str) -> tuple[str, list[dict]]:
    """The image's key and the entries of a row of Label.txt, Cache.cach, or PaddleOCR's list for detection.

    Raises
    ------
    ValueError
        If the row can't be read; it says why. Nothing is ever evaluated as code.
    """
    key, tab, content = row.partition("\t")
    if not tab:
        raise ValueError("no tab between the image and its labels")
    if not file_name(key):
        raise ValueError(f"no file name in {key!r}")
    return key, read_entries(content)


def name_problem(name: str) -> str:
    r"""Why a file's or folder's name can't stand in a row; empty if it can.

    >>> name_problem("page 1.png")
    ''
    >>> name_problem("a\tb.png")
    "the name 'a\\tb.png' has a tab or a line break, which would end it in a label file: rename it"
    """
    if not is_text(name):
        return f"the name {name!a} is not UTF-8 (unpacked from an archive of another system?): rename it"
    if any(character in name for character in "\t\n\r\0"):
        return f"the name {name!r} has a tab or a line break, which would end it in a label file: rename it"
    if not name or "/" in name:
        return f"{name!r} is not the name of a file"
    return ""


def is_text(value: object) -> bool:
    """Whether a value is a text that can be written as UTF-8: half of a surrogate pair can't."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def file_name(key: str) -> str:
    """The file name in an image's key. Its folder may be any: folders get moved, and there are absolute paths."""
    return re.split(r"[\\/]", key)[-1]


def read_entries(content: str) -> list[dict]:
    """The checked entries in the right-hand part of a row; ValueError says what is wrong with them."""
    try:
        entries = strict_json.parse(content)
    except json.JSONDecodeError as error:
        raise ValueError(f"the labels are not JSON: {error}") from None
    if not isinstance(entries, list):
        raise ValueError("the labels are not a list")
    for number, entry in enumerate(entries, 1):
        try:
            check_entry(entry)
        except ValueError as error:
            raise ValueError(f"label {number}: {error}") from None
    return entries


def check_entry(entry: object) -> None:
    """Raise ValueError with the reason if an entry is not a label, or could not be written again."""
    if not isinstance(entry, dict):
        raise ValueError(f"{_shown(entry)} is not an object")
    for field in ("transcription", "points"):
        if field not in entry:
            raise ValueError(f"no {field}")
    for field in ("transcription", "key_cls"):
        if not is_text(entry.get(field, "")):
            raise ValueError(f"{field} is {_shown(entry[field])}, expected a text")
    points = entry["points"]
    if not isinstance(points, list) or len(points) < 3:
        raise ValueError("points must be a list of three corners or more")
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_finite(value) for value in point):
            raise ValueError(f"{_shown(point)} is not a corner: expected two finite numbers")
    if not isinstance(entry.get("difficult", False), bool):
        raise ValueError(f"difficult is {_shown(entry['difficult'])}, expected true or false")
    score = entry.get("score", 1)
    if not _is_finite(score) or not 0 <= score <= 1:
        raise ValueError(f"score is {_shown(score)}, expected a number within 0 and 1")
    if not entry.keys() <= _FIELDS and not all(_is_plain([*each]) for each in entry.items() if each[0] not in _FIELDS):
        raise ValueError("a further field can't be written: nested too deeply, not UTF-8, or not a finite number")


_FIELDS = {"transcription", "points", "difficult", "score", "key_cls"}


def _is_plain(value: object, depth: int = 20) -> bool:
    """Whether JSON and PPOCRLabel hold a value, which another program has written."""
    if isinstance(value, dict):
        return depth > 0 and all(is_text(key) and _is_plain(each, depth - 1) for key, each in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(each, depth - 1) for each in value)
    return is_text(value) or value is None or isinstance(value, (bool, int)) or math.isfinite(value)


def _shown(value: object) -> str:
    """A value in a message: short, and printable on every terminal."""
    try:
        text = repr(value)
    except RecursionError:
        return "something nested"
    return (text if len(text) <= 80 else f"{text[:80]}...").encode("utf-8", "backslashreplace").decode()


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and -1e9 < value < 1e9


def to_label(entry: dict) -> Label:
    """A label from a checked entry, which may have a score."""
    return Label(
        entry["points"],
        entry["transcription"],
        entry.get("score", 1.0),
        difficult=entry.get("difficult", False),
        key_cls=entry.get("key_cls"),
    )


def to_entry(label: TextLine) -> dict:
    """An entry for a file. Points are rounded to whole pixels, as PPOCRLabel stores them.

    Raises ValueError if a text is not UTF-8, or a point is a thousand million pixels away.
    """
    label = Label.of(label)
    if not (abs(label.points) < 1e9).all():
        raise ValueError(f"a corner of {label.text!r} is too far away to be one")
    entry = {
        "transcription": label.text,
        "points": np.rint(label.points).astype(int).tolist(),
        "difficult": label.difficult,
    }
    if label.key_cls is not None:
        entry["key_cls"] = label.key_cls
    check_entry(entry)
    return entry


def join_row(key: str, entries: Sequence[dict]) -> str:
    """A row that PPOCRLabel reads back without a change.

    Its loader replaces true, false and null everywhere in a row, in texts too; there a character of each is escaped.
    """
    return f"{key}\t[{', '.join(map(_dump_entry, entries))}]\n"


def _dump_entry(entry: dict) -> str:
    parts = []
    for field, value in entry.items():
        content = json.dumps(value, ensure_ascii=False)
        name = _escape_literals(json.dumps(field, ensure_ascii=False))
        parts.append(f"{name}: {_escape_literals(content) if isinstance(value, str) else content}")
    return "{" + ", ".join(parts) + "}"


def _escape_literals(text: str) -> str:
    return _LITERALS.sub(lambda found: f"{found[0][0]}\\u{ord(found[0][1]):04x}{found[0][2:]}", text)


def read_rows(path: Path) -> Iterator[tuple[str, list[dict]]]:
    """Key and entries of each row of a file. Raises ValueError with file, line number and reason."""
    for number, row in rows(path):
        try:
            yield split_row(row)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None


def read_folder(folder: str | Path) -> list[Page]:
    """Read the confirmed labels of a folder.

    Returns
    -------
    list of Page, in the order of Label.txt; `image` is the path of the image file, `folder / name`.

    Raises
    ------
    FileNotFoundError
        If there is no Label.txt.
    ValueError
        If a row can't be read; the message names file, line and reason.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> row = 'photos/a.png\\t[{"transcription": "Hi", "points": [[0, 0], [9, 0], [9, 5]], "difficult": false}]'
    >>> (folder / "Label.txt").write_text(row)
    94
    >>> read_folder(folder)[0].texts
    ['Hi']
    """
    folder = Path(folder)
    return [
        Page(_image(key, folder).as_posix(), [TextLine(e["points"], e["transcription"]) for e in entries])
        for key, entries in read_rows(folder / "Label.txt")
    ]


def _image(key: str, folder: Path) -> Path:
    return find(key.rpartition("/")[2], folder) or find(file_name(key), folder) or folder / file_name(key)


def write_folder(folder: str | Path, pages: list[Page]) -> None:
    """Write Label.txt and fileState.txt for pages whose images are files of this folder.

    An image without lines has a row in fileState.txt only.

    Raises
    ------
    ValueError
        If a name or a text can't be written, or two pages have the same image; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> write_folder(folder, [Page("a.png", [TextLine([[0, 0], [9, 0], [9, 5], [0, 5]], "Hi")])])
    >>> read_folder(folder)[0].texts
    ['Hi']
    """
    folder = Path(folder)
    rows: dict[str, str] = {}
    for page in pages:
        name = Path(page.image).name
        if problem := name_problem(name) or name_problem(folder.resolve().name):
            raise ValueError(problem)
        key = f"{folder.resolve().name}/{name}"
        if key in rows:
            raise ValueError(f"two pages for the image {name}")
        rows[key] = join_row(key, [to_entry(line) for line in page.lines]) if page.lines else ""
    write_atomically(folder / "fileState.txt", "".join(f"{key}\t1\n" for key in rows).encode())
    write_atomically(folder / "Label.txt", "".join(rows.values()).encode())
