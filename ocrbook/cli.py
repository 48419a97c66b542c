"""The command `ocrbook`. Each room of the package that is a program has a line in `ROOMS`.

A room has a function `main(arguments) -> int` in its `__main__` module. Results go to standard output, everything
else to standard error. What all rooms do alike stands here: UTF-8 whatever the locale, a line instead of a traceback
where a package or a file is missing, silence where the reader of a pipe has gone, and exit codes.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ocrbook import __version__

ROOMS = {
    "meters": ("ocrbook.meters", "read the meters in photographs, as JSON"),
    "label": ("ocrbook.annotate", "label the images of a folder in the browser"),
    "serve": ("ocrbook.serve", "read pages and meters for other programs, over HTTP"),
    "check": ("ocrbook.check", "say whether the chapters can run here, and what they would use"),
}
"""Subcommands: the package whose `__main__` has the program, and what it does."""

EXTRAS = {
    "notebook": ("anywidget", "IPython", "pandas", "traitlets"),
    "serve": (
        "fastapi",
        "filetype",
        "h11",
        "httpx",
        "prometheus_client",
        "pydantic",
        "pydantic_core",
        "starlette",
        "uvicorn",
    ),
    "train": ("lmdb", "paddle", "paddle2onnx"),
}
"""The optional parts of the package, and the modules that come with them."""

INTERRUPTED, BROKEN_PIPE = 130, 141  # as shells number programs that a signal has ended: 128 + SIGINT, 128 + SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand, and return its exit code.

    0 where all went well, 1 where something was refused, 2 where it could not be tried, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # in JSON, \udc80 is an escape, too
    try:
        try:
            return _run(arguments)
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        _forget_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("ocrbook: stopped", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"ocrbook: {error}", file=sys.stderr)
        _forget_output()
        return 2


def _forget_output() -> None:
    """Lead what could not be written into nothing: Python tries once more when it ends."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    width = max(map(len, ROOMS))
    parser = argparse.ArgumentParser(
        prog="ocrbook",
        description="Hands-On OCR on the command line.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            [
                "commands:",
                *(f"  {name:{width}}  {purpose}" for name, (_, purpose) in ROOMS.items()),
                "",
                "`ocrbook COMMAND --help` explains a command, with examples and exit codes.",
            ]
        ),
    )
    parser.add_argument("--version", action="version", version=f"ocrbook {__version__}")
    parser.add_argument("command", choices=ROOMS, metavar="COMMAND", help="one of the commands below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="what the command is given")
    given = parser.parse_args(arguments)
    try:
        room = import_module(f"{ROOMS[given.command][0]}.__main__")
    except ImportError as error:
        print(f"ocrbook {given.command}: {_missing(error)}", file=sys.stderr)
        return 2
    return room.main(given.arguments)


def _missing(error: ImportError) -> str:
    """What to do about a module that can't be imported."""
    top = (error.name or "").partition(".")[0]
    if "libGL" in str(error) or "libgthread" in str(error):
        return f"OpenCV misses a library of the system: {error}. On Debian and Ubuntu: apt install libgl1 libglib2.0-0"
    for part, modules in EXTRAS.items():
        if top in modules:
            return f"{top} is not installed: pip install 'ocrbook[{part}]'"
    return f"{error}: install the package again, with what it asks for"
