"""The command: what it prints where, and how it ends."""

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys

import numpy as np
import pytest

import ocrbook
from ocrbook import cli
from ocrbook.images import ImageError
from ocrbook.meters import Found, Profile, photos
from ocrbook.meters import __main__ as meters
from ocrbook.meters.reading import Reading
from tools.book_files import ROOT

CORNERS = ((100, 80), (300, 80), (300, 130), (100, 130))


@pytest.fixture
def readings(monkeypatch):
    """Photographs that are read as their names say, without a network."""

    def read(path):
        if "bad" in path.name:
            raise ImageError(f"{path} is not an image that can be read")
        if "stop" in path.name:
            raise KeyboardInterrupt
        return path.name

    monkeypatch.setattr(meters.images, "read", read)
    answer = lambda name, profile=None, decimals=0, **known: Reading(name, 10**-decimals, 0.9, "sure" in name)  # noqa: E731
    monkeypatch.setattr(meters, "read_photo", answer)


def test_one_photograph_gives_an_object_several_a_line_each(readings, capsys):
    assert cli.main(["meters", "sure.jpg"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "sure.jpg"
    assert cli.main(["meters", "unlike.jpg"]) == 1
    capsys.readouterr()
    assert cli.main(["meters", "sure.jpg", "sure2.jpg"]) == 0
    assert cli.main(["meters", "sure.jpg", "电表.jpg"]) == 1
    capsys.readouterr()
    assert cli.main(["meters", "bad.jpg", "sure.jpg", "a\udcffsure.jpg"]) == 1
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["image"] for row in rows] == ["bad.jpg", "sure.jpg", "a\udcffsure.jpg"]
    assert ["error" in row for row in rows] == [True, False, False] and "bad.jpg" in rows[0]["error"]
    assert not said.err


@pytest.fixture
def profile(tmp_path):
    """The file of a profile: a display of six digits, one of them a decimal."""
    Profile("lcd", CORNERS, (640, 480), digits=6, decimals=1, unit="kWh").save(tmp_path / "camera.json")
    return str(tmp_path / "camera.json")


def test_what_is_known_of_a_meter_counts_without_a_profile(readings, capsys):
    known = ["--kind", "drum", "--digits", "6", "--decimals", "3", "--unit", "m3"]
    assert cli.main(["meters", "sure.jpg", *known]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["value"], row["unit"]) == (0.001, "m3")
    assert cli.main(["meters", "sure.jpg", "--decimals", "2"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["value"] == 0.01 and "unit" not in row


def test_what_is_known_of_a_meter_is_what_its_reader_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(
        photos, "read_window", lambda *given, **_: told.append(given[1:]) or Reading("1", 1.0, 1.0, True)
    )
    monkeypatch.setattr(photos, "find_windows", lambda *_: [Found("drum", np.float32(CORNERS), 1.0)])
    image = np.zeros((480, 640, 3), np.uint8)
    photos.read_photo(image, kind="drum", digits=6, decimals=3)
    assert set(told) == {("drum", 6, 3)}
    with pytest.raises(ValueError, match="in the profile already"):
        photos.read_photo(image, Profile("lcd", CORNERS, (640, 480), digits=6), decimals=1)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["--kind", "drum"], "--kind drum contradicts the profile, which has 'lcd'"),
        (["--digits", "5"], "--digits 5 contradicts the profile, which has 6"),
        (["--decimals", "0"], "--decimals 0 contradicts the profile, which has 1"),
        (["--unit", "m3"], "--unit m3 contradicts the profile, which has 'kWh'"),
    ],
)
def test_what_contradicts_the_profile_is_an_error_and_what_agrees_is_none(readings, profile, capsys, known, said):
    assert cli.main(["meters", "sure.jpg", "--profile", profile, *known]) == 2
    assert said in capsys.readouterr().err
    agrees = ["--kind", "lcd", "--digits", "6", "--decimals", "1", "--unit", "kWh"]
    assert cli.main(["meters", "sure.jpg", "--profile", profile, *agrees]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "kWh"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["meters", "sure.jpg", "--digits", "0"], "digits must be a whole number from 1 to 12"),
        (["meters", "sure.jpg", "--digits", "3", "--decimals", "4"], "decimals must be a whole number from 0 to 3"),
        (["meters", "bad.jpg"], "bad.jpg is not an image"),
        (["meters", "sure.jpg", "--profile", "none.json"], "none.json"),
        (["label", "/nowhere"], "no folder at /nowhere"),
        (["label", "."], "no images in"),
    ],
)
def test_what_a_user_does_wrong_is_a_line_and_2(readings, capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert not out and said in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["no-such-command"], ["--no-such-option"], ["meters"], ["meters", "--no-such-option"], ["label"],
     ["meters", "a.jpg", "--kind", "dial"], ["meters", "a.jpg", "--digits", "x"],
     ["label", "a", "--port", "65536"], ["label", "a", "--port", "-1"], ["label", "a", "--port", "x"]],
)  # fmt: skip
def test_a_wrong_call_shows_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and not out and err.startswith("usage: ocrbook")


@pytest.mark.parametrize("arguments", [[], ["meters"], ["label"], ["serve"], ["check"]])
def test_help_has_what_a_person_looks_for(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main([*arguments, "--help"])
    out, err = capsys.readouterr()
    assert stopped.value.code == 0 and not err
    wanted = ["examples:", "exit codes:", f"ocrbook {arguments[0]}"] if arguments else [*cli.ROOMS, "--version"]
    assert all(word in out for word in wanted)


def test_a_pipe_that_is_closed_meanwhile_is_no_error_of_a_photograph(readings, monkeypatch):
    def closed(*_, **__):
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    for given in (["sure.jpg"], ["sure.jpg", "bad.jpg"]):
        with pytest.raises(BrokenPipeError):
            meters.main(given)


def test_ctrl_c_is_a_line_and_130(readings, capsys):
    assert cli.main(["meters", "sure.jpg", "stop.jpg"]) == 130
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1 and err == "ocrbook: stopped\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [("fastapi", "'ocrbook[serve]'"), ("pydantic.fields", "'ocrbook[serve]'"), ("cv2", "install the package again")],
)
def test_a_missing_package_is_a_line_that_says_what_to_install(capsys, monkeypatch, name, said):
    def missing(module):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(cli, "import_module", missing)
    assert cli.main(["serve"]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_missing_library_of_the_system_is_a_line_that_says_what_to_install(capsys, monkeypatch):
    def missing(module):
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(cli, "import_module", missing)
    assert cli.main(["meters", "a.jpg"]) == 2
    assert "apt install libgl1" in capsys.readouterr().err


# a room that prints a row, in a process of its own
ROOM = """
import sys, types
from ocrbook import cli
room = types.ModuleType("room")
room.main = lambda arguments: print(*arguments) or 0
cli.import_module = lambda name: room
sys.exit(cli.main(["meters", *sys.argv[1:]]))
"""


def test_in_any_locale_the_output_is_utf_8():
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", ROOM, os.fsencode("电表.jpg"), b"\xff"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "电表.jpg \\udcff\n".encode())


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_quiet_and_a_full_disk_is_a_line(unbuffered):
    def into(stdout, command=(sys.executable, "-c", ROOM, "row")):
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        return subprocess.run(command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, env=environment)

    reader, writer = os.pipe()
    os.close(reader)
    done = into(writer)
    assert (done.returncode, done.stderr) == (141, b"")
    assert into(writer, [sys.executable, "-m", "ocrbook", "--help"]).stderr == b""
    os.close(writer)
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = into(full)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and b"No space left" in done.stderr


def test_the_version_is_that_of_the_package():
    command = [sys.executable, "-m", "ocrbook", "--version"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).stdout.decode() == f"ocrbook {ocrbook.__version__}\n"


@pytest.mark.parametrize("name", cli.ROOMS)
def test_rooms_that_are_run_by_themselves_are_the_same_command(name, monkeypatch):
    room = importlib.import_module(f"{cli.ROOMS[name][0]}.__main__")
    called = []
    monkeypatch.setattr(cli, "main", called.append)
    monkeypatch.setattr(sys, "argv", ["", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_path(room.__file__, run_name="__main__")
    assert called == [[name, "--help"]] and callable(room.main)


def test_the_command_alone_imports_no_room():
    code = "import ocrbook.cli, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert "ocrbook.cli" in loaded and not {"cv2", "numpy", "paddle", "fastapi", "ocrbook.meters"} & set(loaded)
