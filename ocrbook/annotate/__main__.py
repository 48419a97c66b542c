"""Label the images of a folder in the browser: ocrbook label FOLDER."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress

from ocrbook import quiet
from ocrbook.annotate.edits import Recogniser
from ocrbook.annotate.local import LocalServer
from ocrbook.labels import Project

EXAMPLES = """
examples:
  ocrbook label photos                        label by hand
  ocrbook label photos --propose              correct what PP-OCRv6 has read
  ocrbook label photos --classes date,total   choose a class for each line, too
  ocrbook label photos --no-browser --port 8900
      and on your own computer: ssh -L 8900:127.0.0.1:8900 that-machine

The labels are in the folder, in PPOCRLabel's files: Label.txt, Cache.cach, fileState.txt. Each change is stored at
once. Ctrl-C ends the program; start it again and go on where you were. The address is printed on standard output, and
is secret: whoever has it can label. It leads nowhere from other machines.

exit codes: 0 after a stop that was asked for, 2 if the folder can't be labelled,
130 after Ctrl-C while proposals are made (those that are made are kept)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 after a stop that was asked for, 2 if the folder can't be labelled."""
    parser = argparse.ArgumentParser(
        prog="ocrbook label",
        description="Label the images of a folder in the browser, without Jupyter and without PPOCRLabel.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", help="the folder with the images")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="default: one that is free")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")
    parser.add_argument("--reviewer", default="", metavar="NAME", help="who labels; stored with each change")
    parser.add_argument("--classes", default="", metavar="A,B", help="classes of lines, for key information extraction")
    parser.add_argument("--propose", action="store_true", help="let PP-OCRv6 read new images first, and boxes you draw")
    given = parser.parse_args(arguments)
    # a closed terminal and a service manager end the program as Ctrl-C does
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        with Project.open(given.folder, reviewer=given.reviewer) as project:
            return _label(project, given)
    except BrokenPipeError:  # nobody reads the address
        raise
    except (OSError, RuntimeError, ValueError) as error:
        print(f"ocrbook label: {error}", file=sys.stderr)
        return 2


def _label(project: Project, given: argparse.Namespace) -> int:
    if not project.images:
        raise ValueError(f"no images in {project.folder}")
    for problem in project.problems:
        print(f"ocrbook label: {problem}", file=sys.stderr)
    recogniser = _propose(project) if given.propose else None
    classes = [name for name in map(str.strip, given.classes.split(",")) if name]
    with LocalServer(project, recogniser, classes, given.port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.address, flush=True)
        print(f"Labelling {len(project)} images in {project.folder}. Ctrl-C ends it.", file=sys.stderr)
        if not given.no_browser and _has_desktop():
            threading.Thread(target=webbrowser.open, args=[server.first_address], daemon=True).start()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            signal.signal(number, signal.SIG_IGN)  # nothing interrupts the saving
        server.shutdown()
        with server.lock:
            project.close()
    states = [project.state(name) for name in project.images]
    done = f"{states.count('confirmed')} of {len(states)} images are confirmed"
    print(f"Saved: {done}, {states.count('proposed')} wait with a proposal.", file=sys.stderr)
    return 0


def _propose(project: Project) -> Recogniser:
    """Let the model read what is new; returns what reads single boxes."""
    quiet()
    from paddleocr import PaddleOCR, TextRecognition

    from ocrbook.models import local_models

    if any(project.state(name) == "new" for name in project.images):
        project.annotate(PaddleOCR(**local_models()))
    return TextRecognition(**local_models("text_recognition"))


def _has_desktop() -> bool:
    """Whether there is one to open a browser on; elsewhere webbrowser would start one in the terminal."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["label", *sys.argv[1:]]))
