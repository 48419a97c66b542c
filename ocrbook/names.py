"""Which file is meant by a name that another program, or another system, has written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def parts(name: str) -> list[str]:
    r"""The parts of a path with slashes or backslashes, in Unicode's composed form (NFC).

    >>> parts("images\\1.png"), parts("./a//b.png")
    (['images', '1.png'], ['a', 'b.png'])
    """
    return [part for part in re.split(r"[\\/]+", unicodedata.normalize("NFC", name)) if part not in ("", ".")]


class Names:
    """Names of files, to be found by how other systems spell them.

    >>> Names(["IMG_1.JPG", "IMG_2.JPG"]).match("img_1.jpg")
    'IMG_1.JPG'
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._folded: tuple[dict[str, list[str]], ...] = ({}, {})
        for name in self._names:
            for fold, known in zip((_composed, _caseless), self._folded, strict=True):
                known.setdefault(fold(name), []).append(name)

    def match(self, name: str) -> str | None:
        """Which is meant: the same; else the only one that is equal but for its Unicode form, then for case."""
        if name in self._names:
            return name
        for fold, known in zip((_composed, _caseless), self._folded, strict=True):
            found = known.get(fold(name), [])
            if len(found) == 1:
                return found[0]
        return None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _caseless(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def match(name: str, names: Iterable[str]) -> str | None:
    """Which of `names` is meant: the same; else the only one that is equal but for its Unicode form, then for case.

    >>> match("a.PNG", ["a.png", "b.png"])
    'a.png'
    >>> match("A.png", ["a.png", "a.PNG"]) is None
    True
    """
    return Names(names).match(name)


def find(name: str, folder: str | Path) -> Path | None:
    r"""The file in `folder` that a relative path means, whoever wrote it; None where there is none.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "images").mkdir()
    >>> (folder / "images" / "1.png").touch()
    >>> find("Images\\1.png", folder) == folder / "images" / "1.png"
    True
    >>> find("2.png", folder) is None
    True
    """
    path = Path(folder)
    if _is_file(path / name):
        return path / name
    for part in parts(name):
        if part == "..":
            path /= part
            continue
        try:
            here = path.stat()
            found = _listed(path, here.st_dev, here.st_ino, here.st_mtime_ns).match(part)
        except (OSError, ValueError):
            return None
        if found is None:
            return None
        path /= found
    return path if _is_file(path) else None


@lru_cache(maxsize=8)
def _listed(folder: Path, *_: int) -> Names:
    """The names in a folder, as long as it is the same and its time of change stays: lists name thousands of files."""
    return Names(each.name for each in folder.iterdir())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, no right to look
        return False
