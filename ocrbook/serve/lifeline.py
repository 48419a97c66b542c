"""A worker ends when its gate ends, however that ended."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

VARIABLE = "OCRBOOK_LIFELINE"
"""The environment variable that tells a worker the number of a pipe, whose other end only the gate has."""


def hold(folder: Path) -> None:
    """End this process, and remove a folder, once the other end of the pipe is closed.

    The system closes it when the gate ends, also where it was killed and could tell nobody. A process that was not
    started by a gate has no such pipe, and goes on.
    """
    if number := os.environ.get(VARIABLE):
        threading.Thread(target=_wait, args=(int(number), folder), daemon=True).start()


def _wait(number: int, folder: Path) -> None:
    while os.read(number, 1):  # nothing is ever sent
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # not sys.exit: that would end this thread only
