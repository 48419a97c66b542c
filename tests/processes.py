"""Programs that tests start: they end with their test, also where a test fails or the tests themselves are killed."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextmanager
def running(command: Sequence[Any], **options: Any) -> Iterator[subprocess.Popen]:
    """A program that is killed at the end of the block, unless it has ended by itself.

    On Linux it is also killed when the process of the tests ends; elsewhere nothing does that.
    """
    with subprocess.Popen(command, preexec_fn=_prctl and _end_with_parent, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something that happens in another process or thread."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
