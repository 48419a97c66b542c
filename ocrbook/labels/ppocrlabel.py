"""The files of PPOCRLabel: `Label.txt`, `Cache.cach` and `fileState.txt`, beside the images of a folder.

A row of Label.txt (confirmed images) and Cache.cach (proposed by a model) is `<folder>/<file>`, a tab, and a JSON list
of {"transcription", "points", "difficult"}, in KIE projects with "key_cls". fileState.txt has `<folder>/<file>`, a tab
and 1 for every checked image. PPOCRLabel empties a Label.txt whose images have no row in fileState.txt, so the two are
always written together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrbook.files import write_atomically
from ocrbook.labels.files import rows
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


def file_name(key: str) -> str:
    """The file name in an image's key. Its folder may be any: folders get moved, and there are absolute paths."""
    return re.split(r"[\\/]", key)[-1]


def read_entries(content: str) -> list[dict]:
    """The checked entries in the right-hand part of a row; ValueError says what is wrong with them."""
    entries = json.loads(content)
    if not isinstance(entries, list):
        raise ValueError("the labels are not a list")
    for number, entry in enumerate(entries, 1):
        try:
            check_entry(entry)
        except ValueError as error:
            raise ValueError(f"label {number}: {error}") from None
    return entries


def check_entry(entry: object) -> None:
    """Raise ValueError with the reason if an entry is not a label."""
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is not an object")
    for field in ("transcription", "points"):
        if field not in entry:
            raise ValueError(f"no {field}")
    if not isinstance(entry["transcription"], str):
        raise ValueError(f"transcription is {entry['transcription']!r}, expected a text")
    points = entry["points"]
    if not isinstance(points, list) or len(points) < 3:
        raise ValueError("points must be a list of three corners or more")
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_finite(value) for value in point):
            raise ValueError(f"{point!r} is not a corner: expected two finite numbers")
    if not isinstance(entry.get("difficult", False), bool):
        raise ValueError(f"difficult is {entry['difficult']!r}, expected true or false")
    score = entry.get("score", 1)
    if not _is_finite(score) or not 0 <= score <= 1:
        raise ValueError(f"score is {score!r}, expected a number within 0 and 1")
    if not isinstance(entry.get("key_cls", NO_CLASS), str):
        raise ValueError(f"key_cls is {entry['key_cls']!r}, expected a text")


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
    """An entry for a file. Points are rounded to whole pixels, as PPOCRLabel stores them."""
    label = Label.of(label)
    entry = {
        "transcription": label.text,
        "points": np.rint(label.points).astype(int).tolist(),
        "difficult": label.difficult,
    }
    return entry if label.key_cls is None else entry | {"key_cls": label.key_cls}


def join_row(key: str, entries: Sequence[dict]) -> str:
    """A row that PPOCRLabel reads back without a change.

    Its loader replaces true, false and null everywhere in a row, in texts too; there a character of each is escaped.
    """
    return f"{key}\t[{', '.join(map(_dump_entry, entries))}]\n"


def _dump_entry(entry: dict) -> str:
    parts = []
    for field, value in entry.items():
        content = json.dumps(value, ensure_ascii=False)
        parts.append(f'"{field}": {_escape_literals(content) if isinstance(value, str) else content}')
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
    """
    folder = Path(folder)
    return [
        Page((folder / file_name(key)).as_posix(), [TextLine(e["points"], e["transcription"]) for e in entries])
        for key, entries in read_rows(folder / "Label.txt")
    ]


def write_folder(folder: str | Path, pages: list[Page]) -> None:
    """Write Label.txt and fileState.txt for pages whose images are files of this folder.

    An image without lines has a row in fileState.txt only.
    """
    folder = Path(folder)
    keys = {f"{folder.resolve().name}/{Path(page.image).name}": page.lines for page in pages}
    labels = [join_row(key, [to_entry(line) for line in lines]) for key, lines in keys.items() if lines]
    write_atomically(folder / "fileState.txt", "".join(f"{key}\t1\n" for key in keys).encode("utf-8"))
    write_atomically(folder / "Label.txt", "".join(labels).encode("utf-8"))
