"""The changes that are not in the files yet: one JSON object a row, on the disk before a change is acknowledged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ocrbook import strict_json
from ocrbook.files import FLAGS, flush_folder, mode_like, write


class Journal:
    """A file of rows, each of which is there as a whole or not at all; as private as the file that it is like."""

    def __init__(self, path: Path, like: Path) -> None:
        self.path, self._like = path, like
        self._length = 0

    def __iter__(self) -> Iterator[tuple[int, bytes, object]]:
        """Number, bytes and content of each row; content is a ValueError where it can't be read.

        A last row without its end was being written when the program was killed: nobody was told that it is there.

        Raises ValueError if the file is a link: somebody else has put it there.
        """
        if self.path.is_symlink():
            raise ValueError(f"{self.path} is a link, and would be written through: remove it")
        try:
            *rows, torn = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for number, row in enumerate([*rows, torn], 1):
            if not row:
                continue
            try:
                yield number, row, strict_json.parse(row.decode())
            except ValueError as error:
                if number <= len(rows):
                    yield number, row, ValueError(f"not JSON: {error}")

    @property
    def is_whole(self) -> bool:
        """Whether all rows that were appended are still there; somebody may have removed the file."""
        try:
            return self.path.lstat().st_size >= self._length
        except FileNotFoundError:
            return self._length == 0

    def append(self, entry: dict) -> None:
        """Write a row and flush it to the disk. If that fails, the row is not there, and the error is raised."""
        row = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | FLAGS, mode_like(self._like))
        try:
            try:
                if os.fstat(file).st_size > self._length:
                    os.ftruncate(file, self._length)  # what could not be taken back when it failed
                write(file, row)
                if not self._length:
                    flush_folder(self.path.parent)
            finally:
                os.close(file)
        except BaseException:
            with suppress(OSError):
                os.truncate(self.path, self._length)
            raise
        self._length += len(row)

    def remove(self) -> None:
        """Begin anew, since the files hold everything. Should a power failure bring it back, it says the same again."""
        self.path.unlink(missing_ok=True)
        self._length = 0
