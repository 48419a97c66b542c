"""Whether the chapters can run here: which packages are imported and from where, the cache, the weights, the memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

__all__ = ["LEAST_MEMORY", "PACKAGES", "PROGRAMS", "Finding", "findings"]

PACKAGES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "numpy": ((2, 0), (3,)),
    "cv2": ((4, 10), (4, 11)),
    "onnxruntime": ((1, 20), (2,)),
    "paddle": ((3, 3), (4,)),
    "paddlex": ((3, 7), (3, 8)),
    "paddleocr": ((3, 7), (3, 8)),
}
"""Modules that a platform often brings in another version: from which version on, and up to which one, they suit."""

PROGRAMS = {
    "tesseract": "its rows in comparisons are left out",
    "ssocr": "its rows in comparisons are left out",
    "mcs": "the C# of deployment/01 and deployment/02 can't be compiled",
    "node": "the JavaScript client of deployment/02 can't be tried",
    "curl": "the shell client of deployment/02 can't be tried",
    "schemathesis": "deployment/02 can't be attacked with made-up requests",
}
"""Programs that chapters start, and what is missing without them. Everything else works."""

LEAST_MEMORY = 2_000_000_000
"""Bytes that are free where a chapter begins, so that its kernel isn't ended."""

# What a child process would import, without importing it: a program that a chapter starts has to find the same.
_LOCATE = """
import importlib.util, sys
for name in sys.argv[1:]:
    print(getattr(importlib.util.find_spec(name), "origin", None))
"""


@dataclass(frozen=True)
class Finding:
    """One line of the check: what was looked at, what was found, and what to do where that isn't right.

    Examples
    --------
    >>> print(Finding("numpy", "1.26.4", "the book needs 2.0 or newer"))
    !! numpy         1.26.4
                     the book needs 2.0 or newer
    >>> print(Finding("cores", "2"))
       cores         2
    """

    subject: str
    found: str
    problem: str = ""

    def __str__(self) -> str:
        line = f"{'!!' if self.problem else '  '} {self.subject:12}  {self.found}"
        return line + f"\n{'':17}{self.problem}" * bool(self.problem)


def findings() -> list[Finding]:
    """Look at everything; nothing is installed, and nothing is changed but the models' cache, which is filled.

    Examples
    --------
    >>> [finding.subject for finding in findings()][:3]
    ['Python', 'ocrbook', 'numpy']
    """
    home = Path(__file__).parents[1]
    python = f"{'.'.join(map(str, sys.version_info[:3]))}  {sys.executable}"
    fits = (3, 10) <= sys.version_info[:2] <= (3, 12)
    found = [
        Finding("Python", python, "" if fits else "Paddle needs Python 3.10, 3.11 or 3.12"),
        Finding("ocrbook", str(home)),
        *map(_package, PACKAGES),
        _child(),
        Finding("cores", str(_cores())),
        _memory(),
        _cache(),
    ]
    missing = [name for name in PROGRAMS if not _program(name)]
    return found + [Finding(name, f"not here: {PROGRAMS[name]}") for name in missing]


def _package(name: str) -> Finding:
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:
        return Finding(name, "can't be imported", f"{error}: {_what_to_do(str(error))}")
    version, (least, below) = str(module.__version__), PACKAGES[name]
    line = f"{version}  {Path(str(module.__file__)).parent}"
    if least <= _numbers(version) < below:
        return Finding(name, line)
    wanted = f"{_dotted(least)} or newer, below {_dotted(below)}"
    return Finding(name, line, f"the book needs {wanted}: install its packages where this Python looks first")


def _what_to_do(error: str) -> str:
    if "libGL" in error or "libgthread" in error:
        return "pip install --force-reinstall --no-deps opencv-python-headless==4.10.0.84"
    return "ask for libgomp1 of the system" if "libgomp" in error else "pip install -r requirements-run.txt"


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version.

    >>> _numbers("3.3.0rc1"), _numbers("2.2.6")
    ((3, 3), (2, 2))
    """
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _child() -> Finding:
    """Whether a program that is started from here imports the same packages."""
    names = [name for name in PACKAGES if name in sys.modules]
    done = subprocess.run([sys.executable, "-c", _LOCATE, *names], capture_output=True, text=True)
    places = zip(names, done.stdout.splitlines(), strict=False)
    others = [f"{name} from {place}" for name, place in places if place != str(sys.modules[name].__file__)]
    if done.returncode or others:
        wrong = ", ".join(others) or "nothing"
        return Finding("children", f"import {wrong}", "set PYTHONPATH before the kernel starts: see book/elsewhere")
    return Finding("children", "programs that are started import the same packages")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> Finding:
    free = _free_memory(Path("/"))
    if free is None:
        return Finding("memory", "unknown on this system")
    line = f"{free / 1e9:.1f} GB free"
    return Finding("memory", line, "" if free >= LEAST_MEMORY else "close other notebooks: a kernel may need 2 GB")


def _free_memory(root: Path) -> int | None:
    """Bytes that can still be taken: of the machine, or of the container where that has a limit of its own."""
    try:
        text = (root / "proc/meminfo").read_text("utf-8")
        free = [1024 * int(text.partition("MemAvailable:")[2].split()[0])]
    except (OSError, IndexError, ValueError):
        return None
    cgroup = root / "sys/fs/cgroup"
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            free.append(int((cgroup / limit).read_text()) - int((cgroup / used).read_text()))
        except (OSError, ValueError):  # no such version of cgroups, or "max"
            continue
    return min(free)


def _cache() -> Finding:
    """Where the weights are kept; they are put there if they aren't yet."""
    try:
        from ocrbook.models import cache_folder, local_models, model_folder

        local_models()
        model_folder("textline_orientation")
    except (ImportError, OSError) as error:
        return Finding("weights", "not in place", str(error))
    return Finding("weights", f"in place  {cache_folder()}")


def _program(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Where a program is: beside this Python, or where the system looks."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")]))
