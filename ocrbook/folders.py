"""Several files that are one thing, exchanged as one: a reader finds all of the old or all of the new ones."""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ocrbook import files

_ABANDONED = 24 * 3600.0  # seconds after which the draft of a process that was killed is removed

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def exchanged(folder: str | Path, replaced: Collection[str]) -> Iterator[Path]:
    """Make a folder anew: an empty draft beside it takes its place when the block has ended without an exception.

    Whatever fails, and whenever the process is killed, the folder is the old one as a whole or the new one as a whole.
    (On file systems that can't exchange two folders in one step, a kill between two steps leaves the old one under the
    name of the draft.)

    Parameters
    ----------
    folder : path
        Made with its parents if there is none. A link to a folder stays, what it points to is exchanged.
    replaced : collection of str
        The files and folders that are one thing: what the old folder has under these names is gone afterwards. All
        else is taken over.

    Raises
    ------
    OSError
        If it can't be exchanged; the message names what failed.

    Examples
    --------
    >>> import tempfile
    >>> home = Path(tempfile.mkdtemp())
    >>> with exchanged(home / "model", ("weights", "names")) as draft:
    ...     _ = (draft / "weights").write_text("1"), (draft / "names").write_text("a")
    >>> sorted(path.name for path in (home / "model").iterdir())
    ['names', 'weights']
    """
    folder, draft = _begin(folder)
    _remove_abandoned(folder)
    try:
        yield draft
        with _naming(folder):
            _flush(draft)
            if folder.exists():
                _take_over(folder, draft, replaced)
            files.flush_folder(draft)
            _exchange(draft, folder)
            files.flush_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check(folder: str | Path) -> None:
    """Raise now what `exchanged` would raise at its beginning: before hours are spent on what is to be put there.

    Examples
    --------
    >>> check(".")
    Traceback (most recent call last):
    OSError: ...
    """
    _, draft = _begin(folder)
    draft.rmdir()


def _begin(folder: str | Path) -> tuple[Path, Path]:
    """Where the folder really is, and an empty draft beside it."""
    folder = Path(os.path.realpath(folder))
    if os.path.lexists(folder) and not folder.is_dir():  # a file, or links in a circle
        raise NotADirectoryError(f"{folder} is no folder, where one should be made")
    if folder in (Path.cwd(), *Path.cwd().parents):
        raise OSError(f"{folder} is the working folder, and can't be exchanged: choose a folder inside it")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.draft")
    with _naming(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir()
    return folder, draft


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{error.strerror or error}, {error.filename}" if error.filename else error
        raise OSError(f"{folder} can't be made anew ({reason}): make room, or choose another folder") from None


def _remove_abandoned(folder: Path) -> None:
    """Remove drafts of processes that were killed."""
    with suppress(OSError):
        for path in folder.parent.iterdir():
            mine = path.name.startswith(f".{folder.name}.") and path.name.endswith(".draft")
            if mine and folder.exists() and time.time() - path.stat().st_mtime > _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)


def _take_over(folder: Path, draft: Path, replaced: Collection[str]) -> None:
    for path in folder.iterdir():
        target = draft / path.name
        if path.name in replaced or os.path.lexists(target):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, target, symlinks=True, copy_function=link)
        else:
            link(path, target)
    draft.chmod(folder.stat().st_mode & 0o7777)


def link(path: str | Path, target: str | Path) -> None:
    """A second name for a file, or a copy where the file system has no such thing."""
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:  # a file system without links
        shutil.copy2(path, target, follow_symlinks=False)


def _flush(draft: Path) -> None:
    """To the disk: all files and folders of a draft."""
    for place, _, names in os.walk(draft):
        for name in names:
            if not Path(place, name).is_symlink():
                # Windows flushes only what may be written
                file = os.open(Path(place, name), os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
                try:
                    files.flush(file)
                finally:
                    os.close(file)
        files.flush_folder(Path(place))


def _exchange(draft: Path, folder: Path) -> None:
    """Give the draft the folder's name; the old folder, if there is one, gets that of the draft."""
    if not folder.exists():
        draft.rename(folder)
    elif not _exchange_at_once(draft, folder):
        aside = draft.with_suffix(".old")
        folder.rename(aside)
        try:
            draft.rename(folder)
        except BaseException:
            aside.rename(folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange_at_once(first: Path, second: Path) -> bool:
    """Exchange two names in one step, which Linux can do on most file systems; False where it can't be done."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return rename is not None and not rename(
        _AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE
    )
