"""What may be set."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

LIMITS = {
    "workers": (1, 64),
    "threads": (1, 256),
    "waiting": (0, 10_000),
    "seconds": (0.01, 3600),
    "body_seconds": (0.01, 3600),
    "most_bytes": (1, 1_000_000_000),
    "most_pixels": (1, 170_000_000),  # PaddleX reads no more
}
"""The least and the most of each number."""


@dataclass(frozen=True)
class Settings:
    """The limits of the service.

    Attributes
    ----------
    workers : int
        Processes that read, each with models of its own (about 1 GB) and one image at a time.
    threads : int
        Of each worker.
    waiting : int
        Requests that may wait; the next one is answered 429.
    seconds : float
        Within which a request must get a worker, so that the usual time of a reading is left; and, counted anew, within
        which the worker must have read it. A worker that takes longer is stopped.
    body_seconds : float
        Within which a request's header must have been sent, then its body, and then its answer must have been taken.
    most_bytes : int
        Of a file. A request may be four thirds as long: base64 takes four characters for three bytes.
    most_pixels : int
        Of an image.
    fetch_from : tuple of str
        Hosts, with a port where it is not the usual one, from which files may be fetched by their URL. () fetches none.
    api_key : str
        What clients must send as `Authorization: Bearer KEY`; "" lets everybody in.

    Raises
    ------
    ValueError
        If a setting can't be meant; the message is one line.

    Examples
    --------
    >>> Settings(workers=2).most_body
    13343333
    >>> Settings(seconds=float("nan"))
    Traceback (most recent call last):
    ValueError: seconds must be a number from 0.01 to 3,600, got nan
    """

    workers: int = 1
    threads: int = 1
    waiting: int = 16
    seconds: float = 30.0
    body_seconds: float = 10.0
    most_bytes: int = 10_000_000
    most_pixels: int = 25_000_000
    fetch_from: tuple[str, ...] = ()
    api_key: str = ""

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            value, whole = getattr(self, name), isinstance(least, int)
            if type(value) not in ((int,) if whole else (int, float)) or not least <= value <= most:
                kind = "whole number" if whole else "number"
                raise ValueError(f"{name} must be a {kind} from {least:,} to {most:,}, got {value!r}")
        for host in self.fetch_from:
            if not _is_host(host):
                raise ValueError(
                    "fetch_from must name hosts as they stand in a URL, in small letters, and a port only where it is "
                    f"not the usual one, got {host!r}"
                )
        key = self.api_key
        if not (key.isascii() and (key.isprintable() or not key) and key == key.strip() and len(key) <= 1000):
            raise ValueError(  # the key itself is not repeated: who reads the message may not be meant to know it
                "api_key must have up to 1,000 printable ASCII characters and no blank at either end: "
                "clients can't send any other"
            )

    @property
    def most_body(self) -> int:
        """Bytes of a request."""
        return self.most_bytes * 4 // 3 + 10_000

    @property
    def most_connections(self) -> int:
        """Connections at a time. Each may hold a whole request in memory: so many and no more."""
        return 100 + self.waiting + self.workers


def _is_host(name: str) -> bool:
    try:
        urls = [httpx.URL(f"{scheme}://{name}/") for scheme in ("http", "https")]
    except (httpx.InvalidURL, TypeError):
        return False
    return all(bool(url.host) and url.netloc == name.encode() and url.path == "/" for url in urls)
