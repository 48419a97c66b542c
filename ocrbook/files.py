"""Writing files so that nobody ever sees half of one, and what was written is still there after a power failure."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FLAGS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""For `os.open` of files of our own: links are not followed, pipes don't block, and Windows changes no bytes."""

_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EACCES}


def write_atomically(path: str | Path, content: bytes, *, like: Path | None = None, flush: bool = True) -> None:
    """Write under a temporary name beside `path`, flush to the disk, and move into place.

    A link stays a link: its target is written. A file that is there keeps its mode, and its owner and group where the
    file system and the user's rights allow that. A temporary file that a killed writer has left behind is removed by
    the next one.

    Parameters
    ----------
    path : str or Path
    content : bytes
    like : Path, optional
        A new file gets no more rights than this one has; without it, those that the umask leaves.
    flush : bool
        Whether the move itself is flushed to the disk, too. Who writes several files can call `flush_folder` once.

    Raises
    ------
    OSError
        If it can't be written. What was there before is then still there, unless it was the folder that could not be
        flushed after the move.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_atomically(path, b"whole")
    >>> path.read_bytes(), [each.name for each in path.parent.iterdir()]
    (b'whole', ['a.txt'])
    """
    named, path = Path(path), Path(path).resolve()
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise FileExistsError(errno.EEXIST, "not a regular file", str(path))
    # the mode that it will have, or less, from the beginning
    file, temporary = _create_beside(path, mode_like(like) if old is None else stat.S_IMODE(old.st_mode) & 0o700)
    try:
        try:
            if old is not None and hasattr(os, "fchown"):
                for change in (
                    lambda: os.fchown(file, -1, old.st_gid),
                    lambda: os.fchown(file, old.st_uid, -1),
                    lambda: os.fchmod(file, stat.S_IMODE(old.st_mode)),
                ):
                    with _where_supported():
                        change()
            write(file, content)
        finally:
            os.close(file)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if flush or named.is_symlink():
        flush_folder(path.parent)


def mode_like(path: Path | None) -> int:
    """The rights for a new file that tells what another file does; all, less the umask, if there is none."""
    try:
        return 0o666 if path is None else stat.S_IMODE(path.stat().st_mode) & 0o666
    except FileNotFoundError:
        return 0o666


def write(file: int, content: bytes) -> None:
    """Write all of `content` to a file descriptor, and flush it to the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    flush(file)


def flush(file: int) -> None:
    """Make what was written to a file descriptor last, where the file system can do that."""
    with _where_supported():
        os.fsync(file)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder last: a file that was moved or removed comes back after a power failure otherwise."""
    if hasattr(os, "O_DIRECTORY"):
        with _where_supported():
            file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)


@contextmanager
def _where_supported() -> Iterator[None]:
    """Pass over what this file system, or this user, can't do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _create_beside(path: Path, mode: int) -> tuple[int, Path]:
    """A new file, locked as long as it is open, so that nobody takes it for one that was left behind."""
    temporary = path.with_name(f".{path.name}.tmp")
    while True:
        try:
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, mode)
        except FileExistsError:
            if not _remove_abandoned(temporary):  # somebody is writing the same file now
                temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            continue
        if not _lock(file) or _is_at(temporary, file):
            return file, temporary
        os.close(file)  # removed in the moment between its creation and its lock


def _remove_abandoned(temporary: Path) -> bool:
    try:
        file = os.open(temporary, os.O_RDONLY | FLAGS)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if _lock(file) and _is_at(temporary, file):
            temporary.unlink()
            return True
        return False
    except OSError:
        return False
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, AttributeError):  # held by another process, or a system without such locks
        return False
    return True


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except OSError:
        return False
