"""Which file is meant by a name that another program, or another system, has written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def parts(name: str) -> list[str]:
    """The parts of a path with slashes or backslashes, in Unicode's composed form (NFC)."""
    return [part for part in re.split(r"[\\/]+", unicodedata.normalize("NFC", name)) if part not in ("", ".")]


def match(name: str, names: Iterable[str]) -> str | None:
    """Which of `names` is meant: the same; else the only one that is equal but for its Unicode form, then for case."""
    names = list(names)
    if name in names:
        return name
    for fold in (
        lambda text: unicodedata.normalize("NFC", text),
        lambda text: unicodedata.normalize("NFC", text.casefold()),
    ):
        found = [each for each in names if fold(each) == fold(name)]
        if len(found) == 1:
            return found[0]
    return None


def find(name: str, folder: str | Path) -> Path | None:
    """The file in `folder` that a relative path means, whoever wrote it; None where there is none."""
    path = Path(folder)
    if (path / name).is_file():
        return path / name
    for part in parts(name):
        try:
            found = match(part, [each.name for each in path.iterdir()])
        except OSError:
            return None
        if found is None:
            return None
        path /= found
    return path if path.is_file() else None
