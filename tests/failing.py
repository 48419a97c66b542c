"""File calls that fail, or that the process does not survive: the N-th of a block, whoever makes it.

Python tells an audit hook of each call before it is made (open, mkdir, rename, link, unlink, rmdir, chmod, scandir...);
fsync and the exchange of two folders are told here.
"""

import errno
import os
import sys
from contextlib import contextmanager
from unittest import mock

from ocrbook import folders

_EVENTS = ("open", "os.", "shutil.", "told.")
_state = {"left": -1, "die": False, "calls": 0}


def _hook(event, _):
    if _state["left"] < 0 or not event.startswith(_EVENTS) or event == "os.fork":
        return
    _state["calls"] += 1
    if _state["left"] == _state["calls"]:
        if _state["die"]:
            os._exit(9)
        raise OSError(errno.ENOSPC, "no space left, says the test")


sys.addaudithook(_hook)


def _telling(name, function):
    def call(*arguments):
        sys.audit(f"told.{name}")
        return function(*arguments)

    return call


@contextmanager
def failing(number, *, die=False):
    """The `number`-th file call of the block raises OSError, or ends the process; with 0 none does.

    Yields a function that tells how many there were so far.
    """
    exchange = _telling("exchange", folders._exchange_at_once)
    with mock.patch("os.fsync", _telling("fsync", os.fsync)), mock.patch.object(folders, "_exchange_at_once", exchange):
        _state.update(left=number, die=die, calls=0)
        try:
            yield lambda: _state["calls"]
        finally:
            _state["left"] = -1
