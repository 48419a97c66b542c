"""What may be set."""

from __future__ import annotations

from dataclasses import dataclass


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
        Within which a request must be answered, the waiting included. A worker that takes longer is stopped.
    body_seconds : float
        Within which a request must have been sent.
    most_bytes : int
        Of a file. A request may be four thirds as long: base64 takes four characters for three bytes.
    most_pixels : int
        Of an image.
    fetch_from : tuple of str
        Hosts, with a port where it is not the usual one, from which files may be fetched by their URL. () fetches none.
    api_key : str
        What clients must send as `Authorization: Bearer KEY`; "" lets everybody in.
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
        for name in ("workers", "threads", "seconds", "body_seconds", "most_bytes", "most_pixels"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, got {getattr(self, name)}")
        if self.waiting < 0:
            raise ValueError(f"waiting must be 0 or more, got {self.waiting}")

    @property
    def most_body(self) -> int:
        """Bytes of a request."""
        return self.most_bytes * 4 // 3 + 10_000
