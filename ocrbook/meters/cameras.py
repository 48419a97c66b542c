"""Where new photographs of a meter come from: a folder, or the address of a camera."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from ocrbook import __version__, images

MOST_BYTES = 30_000_000
"""Of a photograph; a larger one is not read."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")

SETTLE = 0.5
"""Seconds in which a file must not change: a camera may still be writing it."""

Photo = tuple[str, datetime, Callable[[], bytes]]
"""A name ("" for a camera), the time in UTC, and a function that fetches the file."""


class Folder:
    """The photographs of a folder, each once, and again where it has been written anew.

    Parameters
    ----------
    path : Path
    since : float, optional
        Files that are there at first and are not newer than this, in hours since 1970, have been read before.
    """

    def __init__(self, path: Path, since: float | None = None) -> None:
        self.path, self._seen = path, {}
        if since is not None:
            self._seen = {name: key for name, key in self._files().items() if key[0] / 3.6e12 <= since}

    def _files(self) -> dict[str, tuple[int, int]]:
        """The photographs that there are, each with the time at which it was written, and its size."""
        found = {}
        for path in self.path.iterdir():
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                try:
                    state = path.stat()
                except FileNotFoundError:  # removed in this moment
                    continue
                found[path.name] = (state.st_mtime_ns, state.st_size)
        return found

    def photos(self) -> Iterator[Photo]:
        """The new ones, in the order in which they were written.

        Raises
        ------
        OSError
            If the folder can't be read.
        """
        found = self._files()
        self._seen = {name: key for name, key in self._seen.items() if name in found}
        new = {name: key for name, key in found.items() if self._seen.get(name) != key}
        if new:
            time.sleep(SETTLE)
            now = self._files()
            new = {name: key for name, key in new.items() if now.get(name) == key}
        for name, key in sorted(new.items(), key=lambda item: (item[1], item[0])):
            self._seen[name] = key
            yield name, datetime.fromtimestamp(key[0] / 1e9, timezone.utc), lambda path=self.path / name: _read(path)


def _read(path: Path) -> bytes:
    """A file that is no larger than a photograph."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has more than {MOST_BYTES:,} bytes")
    return images.content_of(path)


class Camera:
    """A camera that gives a photograph at an address.

    Parameters
    ----------
    address : str
        http or https; a user's name may stand before the host, no password.
    password : str or None
        For that user, as the camera asks for it (Basic or Digest).
    timeout : float
        Seconds for all of a photograph.

    Raises
    ------
    ValueError
        If the address is none of these, or the password has characters that cameras don't know.
    """

    def __init__(self, address: str, password: str | None = None, timeout: float = 20.0) -> None:
        self.address, user = without_user(address, ("http", "https"))
        self.timeout, self._last = timeout, b""
        self._thread = threading.Thread()
        if not (password or "").isascii():  # Digest has no other
            raise ValueError("a camera's password has ASCII characters only")
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if user:
            known.add_password(None, self.address, user, password or "")
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)
        )

    def photos(self) -> Iterator[Photo]:
        """What the camera sees now."""
        yield "", datetime.now(timezone.utc), self._fetch

    def _fetch(self) -> bytes:
        """The photograph; OSError or ValueError, with one line that says why, if there is none in time."""
        if self._thread.is_alive():  # one that sends a byte now and then
            raise TimeoutError("the camera still sends what it was asked for before")
        answer: list[bytes | Exception] = []
        self._thread = threading.Thread(target=self._answer, args=(answer,), daemon=True)
        self._thread.start()
        self._thread.join(self.timeout)
        if not answer:
            raise TimeoutError(f"the camera has sent no photograph in {self.timeout:g} seconds")
        if isinstance(answer[0], Exception):
            raise answer[0]
        if answer[0] == self._last:
            raise ValueError("the camera sends the same file again, byte for byte: its picture may stand still")
        self._last = answer[0]
        return answer[0]

    def _answer(self, answer: list[bytes | Exception]) -> None:
        request = urllib.request.Request(self.address, headers={"User-Agent": f"ocrbook/{__version__}"})
        end = time.monotonic() + self.timeout
        try:
            with self._opener.open(request, timeout=self.timeout) as file:
                content = b""
                while (piece := file.read1(65_536)) and len(content) <= MOST_BYTES and time.monotonic() < end:
                    content += piece
                if len(content) > MOST_BYTES:
                    raise ValueError(f"the camera sends more than {MOST_BYTES:,} bytes")
                answer.append(content)
        except HTTPError as error:
            answer.append(OSError(f"the camera answers {error.code} {error.reason}"))
        except URLError as error:
            answer.append(OSError(f"the camera can't be reached: {error.reason}"))
        except Exception as error:
            answer.append(error)


def without_user(address: str, schemes: tuple[str, ...]) -> tuple[str, str]:
    """An address without its user, and that user.

    Raises
    ------
    ValueError
        If it has another scheme, no host, or a password, which everybody who lists the processes would see.

    Examples
    --------
    >>> without_user("http://me@camera.local:81/jpg?size=2", ("http",))
    ('http://camera.local:81/jpg?size=2', 'me')
    """
    parts = urlsplit(address)
    if parts.password is not None:
        raise ValueError("no password in an address: it can be seen by others; use a file or the environment")
    if parts.scheme not in schemes or not parts.hostname or not address.isprintable() or " " in address:
        raise ValueError(f"an address is {' or '.join(f'{each}://HOST' for each in schemes)}, got {address!a}")
    _ = parts.port  # ValueError if it is none
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), parts.username or ""
