"""Labelling under attack: every call fails, every call kills, the disk is full, others write. Minutes, so not in CI.

ATTACK_SIZE=10 tries ten times as much.
"""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ocrbook.labels.contents import LABELS
from ocrbook.labels.project import LOCK, Project
from tests import faults
from tests.faults import STEPS, label, seen

ROOT = Path(__file__).parents[2]
SIZE = int(os.environ.get("ATTACK_SIZE", "1"))


@pytest.mark.parametrize("theirs", [False, True])
def test_a_kill_at_every_call_of_a_long_session(theirs):
    number = 1
    while not faults.check_killed(number, STEPS, theirs):
        number += 1
    assert number > 200


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("happens", ["once", "from then on"])
def test_a_failure_at_every_call_of_a_long_session(happens, closed):
    number = 1
    while not faults.check_failed(number, happens, STEPS, closed):
        number += 1
    assert number > 140


def random_steps(seed):
    """Twelve changes of four images, with and without labels, with a save now and then."""
    rng = random.Random(seed)

    def step(kind, name, number):
        lines = [label(f"{seed} {number} {i}", rng.choice([0.5, 1.0])) for i in range(rng.randint(0, 2))]
        return {
            "propose": lambda project: project.propose(name, lines),
            "confirm": lambda project: project.confirm(name, lines),
            "accept": lambda project: project.confirm(name),
            "reopen": lambda project: project.reopen(name),
            "flag": lambda project: project.flag(name, rng.choice(["", "glare"])),
            "save": lambda project: project.save(),
        }[kind]

    kinds = ["propose", "confirm", "accept", "reopen", "flag", "save"]
    return [step(rng.choice(kinds), rng.choice(["a.png", "b.png", "c.png", "d.png"]), i) for i in range(12)]


@pytest.mark.parametrize("seed", range(60 * SIZE))
def test_random_sessions_killed_or_failing_at_random_calls(seed):
    rng = random.Random(seed)
    for _ in range(4):
        number = rng.randint(1, 400)
        faults.check_killed(number, random_steps(seed), theirs=False)
        faults.check_failed(number, rng.choice(["once", "from then on"]), random_steps(seed), rng.random() < 0.5)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 96 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", place], capture_output=True)
    if done.returncode:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("seed", range(20 * SIZE))
def test_a_disk_that_is_full_for_a_moment(small_disk, seed):
    rng = random.Random(seed)
    folder = small_disk / "photos"
    folder.mkdir()
    for name in "abcd":
        (folder / f"{name}.png").touch()
    known, refused = {}, 0
    for _ in range(6):
        project = None
        with suppress(OSError, RuntimeError):
            project = Project.open(folder)
        for number in range(rng.randint(1, 60) if project else 0):
            name = rng.choice(project.images)
            try:
                project.confirm(name, [label(f"{number} " + "x" * rng.randint(0, 2000))] * rng.randint(0, 2))
                known[name] = seen(project, name)
                if rng.random() < 0.1:
                    project.save()
            except OSError:
                refused += 1
                (folder / "ballast").unlink(missing_ok=True)
            if rng.random() < 0.1:
                with suppress(OSError):
                    (folder / "ballast").write_bytes(b"x" * rng.randint(1, 90_000))
        if project and rng.random() < 0.5:
            with suppress(OSError):
                project.close()
        if project and project._lock:
            project._lock.release()  # as if killed
        (folder / "ballast").unlink(missing_ok=True)
        with Project.open(folder, read_only=True) as again:
            assert again.problems == []
            assert {name: seen(again, name) for name in known} == known
    assert known


def test_a_disk_that_is_read_only_is_named_with_what_to_do(small_disk):
    (small_disk / "a.png").touch()
    with Project.open(small_disk) as project:
        project.confirm("a.png", [label("kept")])
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(RuntimeError, match="open it with read_only=True"):
        Project.open(small_disk)
    assert Project.open(small_disk, read_only=True).labels("a.png") == [label("kept")]


_WORK = """
import sys
from ocrbook.labels.project import Project
from tests.faults import label
while True:
    try:
        project = Project.open(sys.argv[1])
        break
    except RuntimeError:
        pass
number = int(sys.argv[2])
while True:
    number += 1
    name = project.images[number % 4]
    lines = [label(str(number))] if number % 3 else []
    project.flag(name, str(number))
    (project.propose if number % 2 else project.confirm)(name, lines)
    print(number, flush=True)
    if number % 5 == 0:
        project.save()
    if number % 17 == 0:
        project.close()
        project = Project.open(sys.argv[1])
"""


def test_processes_that_are_killed_one_after_the_other():
    folder = faults.make_folder()
    number = 0
    for attempt in range(25 * SIZE):
        command = [sys.executable, "-c", _WORK, str(folder), str(number)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline()
            time.sleep(random.Random(attempt).uniform(0, 0.2))
            os.kill(process.pid, signal.SIGKILL)
            told = [int(row) for row in (first + process.stdout.read()).split()]
        number = told[-1]
        with Project.open(folder) as project:
            assert project.problems == []
            for last in range(number, max(number - 4, told[0] - 1), -1):
                name = project.images[last % 4]
                state, labels, flag = seen(project, name)
                if flag == str(last + 4):  # the change in flight
                    continue
                assert flag == str(last)
                assert (state, labels) == (
                    "proposed" if last % 2 else "confirmed",
                    [[str(last), 1.0]] if last % 3 else [],
                )
    shutil.rmtree(folder.parent)


def test_many_processes_want_the_same_folder():
    folder = faults.make_folder()
    program = (
        "import sys, time\nfrom ocrbook.labels.project import Project\nfrom tests.faults import label\n"
        "for number in range(20):\n"
        "    while True:\n"
        "        try:\n            project = Project.open(sys.argv[1]); break\n"
        "        except RuntimeError:\n            time.sleep(0.002)\n"
        "    texts = project.labels('a.png')\n"
        "    project.confirm('a.png', [*texts, label(f'{sys.argv[2]} {number}')])\n"
        "    project.close()\n"
    )
    command = [sys.executable, "-c", program, str(folder)]
    running = [subprocess.Popen([*command, str(i)], cwd=ROOT) for i in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    with Project.open(folder, read_only=True) as project:
        assert sorted(each.text for each in project.labels("a.png")) == sorted(
            f"{i} {number}" for i in range(3) for number in range(20)
        )
        assert project.problems == []
    shutil.rmtree(folder.parent)


_WRITER = """
import sys
from pathlib import Path
from ocrbook.files import write_atomically
for number in range(100_000):
    write_atomically(Path(sys.argv[1]), sys.argv[2].encode() * 50_000)
"""


def test_writers_of_one_file_who_are_killed_leave_a_whole_one_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    for attempt in range(10 * SIZE):
        command = [sys.executable, "-c", _WRITER, str(path)]
        running = [subprocess.Popen([*command, letter], cwd=ROOT) for letter in "ab"]
        time.sleep(0.5 + 0.01 * attempt)
        for process in running:
            process.kill()
            process.wait()
        content = path.read_bytes() if path.exists() else b""
        assert content in (b"", b"a" * 50_000, b"b" * 50_000)
    subprocess.run([sys.executable, "-c", _WRITER.replace("100_000", "1"), str(path), "c"], cwd=ROOT, check=True)
    left = [each.name for each in tmp_path.iterdir() if each.name not in ("a.txt", ".a.txt.tmp")]
    assert not (tmp_path / ".a.txt.tmp").exists()
    assert len(left) <= 10 * SIZE  # of the second of two who were killed while they wrote at the same time
    assert all(name.startswith(".a.txt.") and name.endswith(".tmp") for name in left)


def test_ten_thousand_images_that_are_mostly_unknown_to_the_files_open_at_once(tmp_path):
    rows = []
    for number in range(10_000):
        (tmp_path / f"Z\u0308 {number}.PNG").touch()
        entry = {"transcription": str(number), "points": faults.CORNERS, "difficult": False}
        rows.append(f"x/z\u0308 {number}.png\t{json.dumps([entry])}\n")
    (tmp_path / LABELS).write_text("".join(rows), "utf-8")
    start = time.process_time()
    with Project.open(tmp_path, read_only=True) as project:
        assert len(list(project.pages())) == 10_000
    assert time.process_time() - start < 10


def test_the_lock_is_a_lock(tmp_path):
    with Project.open(tmp_path), (tmp_path / LOCK).open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
