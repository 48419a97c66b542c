"""The log: a line of JSON for each request, and for each event that somebody should know of."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import datetime, timezone

Log = Callable[[str], object]


def write(log: Log, **fields: object) -> None:
    """Write a line, with the time.

    >>> write(print, event="started")  # doctest: +ELLIPSIS
    {"time": "...", "event": "started"}
    """
    log(json.dumps({"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), **fields}))


def to_standard_error(line: str) -> None:
    """The usual place for a log. A terminal that was closed, or a full disk, stops nobody's work."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
