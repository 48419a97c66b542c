"""A file system that fails at its N-th call, or on which the process dies there; and a session of labelling on it."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ocrbook.labels.contents import CACHE, LABELS, META, STATES
from ocrbook.labels.ppocrlabel import Label, join_row, to_entry
from ocrbook.labels.project import LOCK, Project

CALLS = (
    "open",
    "write",
    "fsync",
    "ftruncate",
    "truncate",
    "close",
    "replace",
    "unlink",
    "fchown",
    "fchmod",
    "stat",
    "lstat",
)
CORNERS = [[0, 0], [9, 0], [9, 5], [0, 5]]
KILLED = 41


def label(text: str, score: float = 1.0) -> Label:
    return Label(CORNERS, text, score)


@contextmanager
def faulty(number: int, happens: str) -> Iterator[list[int]]:
    """Let the N-th call fail ("once"), all from the N-th on ("from then on"), or end the process ("kill").

    Every second of them does half of its work before: writes half of its bytes, or moves the file and then fails.
    Yields a list with the number of calls so far.
    """
    count = [0]
    real = {name: getattr(os, name) for name in CALLS} | {"io.open": io.open}

    def wrap(name: str) -> Callable:
        def call(*arguments, **named):
            count[0] += 1
            if count[0] == number or (happens == "from then on" and count[0] > number):
                if name == "write" and count[0] % 2:
                    real[name](arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                elif name == "close" or (name in ("replace", "unlink") and count[0] % 2):
                    real[name](*arguments, **named)
                if happens == "kill":
                    os._exit(KILLED)
                raise OSError((errno.ENOSPC, errno.EIO)[count[0] // 2 % 2], f"at call {count[0]}, {name}")
            return real[name](*arguments, **named)

        return call

    try:
        for name in CALLS:
            setattr(os, name, wrap(name))
        io.open = wrap("io.open")
        yield count
    finally:
        for name in CALLS:
            setattr(os, name, real[name])
        io.open = real["io.open"]


def make_folder() -> Path:
    """A folder with four images and some labels, in memory where there is such a place."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None)) / "photos"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.png").touch()
    rows = [join_row(f"photos/{name}.png", [to_entry(label(f"old {name}"))]) for name in "cd"]
    (folder / LABELS).write_text("".join(rows), "utf-8")
    (folder / STATES).write_text("photos/c.png\t1\nphotos/d.png\t1\n", "utf-8")
    return folder


def seen(project: Project, name: str) -> list:
    """All that is known of an image, comparable."""
    labels = [[each.text, each.score] for each in project.labels(name)]
    return [project.state(name), labels, project.history(name).flag]


STEPS: list[Callable[[Project], None]] = [
    lambda project: project.propose("a.png", []),
    lambda project: project.flag("b.png", "glare"),
    lambda project: project.save(),
    lambda project: project.confirm("a.png", [label("typed"), label("typed", 0.5)]),
    lambda project: project.propose("b.png", [label("read", 0.25)]),
    lambda project: project.confirm("d.png", []),
    lambda project: project.reopen("a.png"),
]


def work(project: Project, steps: list, tell: Callable[[str, dict], None]) -> None:
    """Go through the steps; `tell` hears what holds after each that was acknowledged, and before each."""
    for step in steps:
        tell("before", {name: seen(project, name) for name in project.images})
        try:
            step(project)
        except OSError:
            continue
        tell("after", {name: seen(project, name) for name in project.images})


def forked(work: Callable[[Callable[[bytes], object]], object]) -> tuple[int, BinaryIO]:
    """A copy of this process that does some work, and what it tells of it; `ended` waits for its end."""
    reading, writing = os.pipe()
    write = os.write
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of a fork beside the threads of numpy
        child = os.fork()
    if child == 0:
        code = 1
        try:
            work(lambda told: write(writing, told))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return child, os.fdopen(reading, "rb")


def ended(child: int) -> int:
    """How a copy of this process has ended, as `subprocess` tells it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int, folder: Path, steps: list) -> tuple[bool, list[tuple[str, dict]]]:
    """Work in a child that dies at the N-th call; whether it died, and what it told until then."""

    def session(tell: Callable[[bytes], object]) -> None:
        with faulty(number, "kill"):
            project = Project.open(folder)
            work(project, steps, lambda *what: tell(json.dumps(what).encode() + b"\n") and None)
            project.close()

    child, telling = forked(session)
    with telling:
        told = [tuple(json.loads(row)) for row in telling.read().splitlines()]
    code = ended(child)
    assert code in (0, KILLED), code
    return code == KILLED, told


def write_theirs(folder: Path) -> None:
    """What PPOCRLabel does when a person types another text for c.png there, and draws the first label of new.png."""
    path = folder / LABELS
    rows = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    rows = [row for row in rows if not row.startswith("photos/c.png\t")]
    rows += [join_row(f"photos/{name}.png", [to_entry(label("theirs"))]) for name in ("c", "new")]
    path.write_text("".join(rows), "utf-8")
    with (folder / STATES).open("a") as file:
        file.write("photos/c.png\t1\nphotos/new.png\t1\n")


def check_killed(number: int, steps: list, theirs: bool) -> bool:
    """Kill a session at its N-th call; whether it lived that long. All that was acknowledged has to be there after."""
    folder = make_folder()
    died, told = killed_at(number, folder, steps)
    if theirs:
        write_theirs(folder)
    with Project.open(folder) as project:
        after = {name: seen(project, name) for name in project.images}
        expected = [problem for problem in project.problems if "no image new.png" not in problem]
        assert expected == [], (number, expected)
        if theirs:
            assert after.pop("c.png") == ["confirmed", [["theirs", 1.0]], ""], number
        if told:
            kind, known = told[-1]
            changed = [name for name in after if after[name] != known[name]]
            assert changed == [] or (kind == "before" and len(changed) == 1 and died), (number, after, known)
        project.flag("c.png", "")
    check_tidy(folder)
    return not died


def check_failed(number: int, happens: str, steps: list, closed: bool) -> bool:
    """Let calls of a session fail; whether none did. What is in memory then has to be there when it is opened again.

    The session is ended by closing it, or as if it were killed.
    """
    folder = make_folder()
    known: dict[str, list] = {}
    told: list[tuple[str, dict]] = []
    project = None
    with faulty(number, happens) as count:
        try:
            project = Project.open(folder)
        except (OSError, RuntimeError):
            pass
        else:
            work(project, steps, lambda *what: told.append(what))
            known = {name: seen(project, name) for name in project.images}
            assert not told or told[-1][0] == "before" or told[-1][1] == known
            if closed:
                with suppress(OSError):
                    project.close()
    if project is not None and project._lock is not None:
        project._lock.release()  # as if killed
    with Project.open(folder) as again:
        assert again.problems == [], (number, again.problems)
        after = {name: seen(again, name) for name in again.images}
        changed = [name for name in known if after[name] != known[name]]
        # where everything fails from some call on, the row of a change that was refused may have remained as a whole
        assert len(changed) <= (happens == "from then on"), (number, after, known)
        again.flag("c.png", "")
    check_tidy(folder)
    return count[0] < number


def check_tidy(folder: Path) -> None:
    """Nothing is left behind, and every row of the files can be read."""
    files = {path.name for path in folder.iterdir() if path.suffix != ".png"}
    assert files == {LABELS, f"{LABELS}.bak", STATES, CACHE, META, LOCK}, files
    with Project.open(folder, read_only=True) as project:
        assert [each for each in project.problems if "no image new.png" not in each] == []
    shutil.rmtree(folder.parent)
