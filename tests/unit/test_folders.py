"""Several files that are one thing are all old or all new, whatever fails and whenever the process is killed."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrbook import folders, models
from ocrbook.folders import exchanged
from ocrbook.labels import Label, Project, export_recognition, lists, lmdb_store
from ocrbook.train import fine_tune, train_detector, train_recognizer
from ocrbook.train.whole import fine_tune_all_layers
from tests.failing import failing

ROOT = Path(__file__).parents[2]
ONE = ("weights", "names", "parts")


def write(folder, content):
    with exchanged(folder, ONE) as draft:
        (draft / "weights").write_text(content)
        (draft / "parts").mkdir()
        (draft / "parts" / content).write_text(content)
        (draft / "names").write_text(content)


def contents(folder):
    """Every file of a folder, with what is in it; None without a folder."""
    if not folder.is_dir():
        return None
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_what_belongs_to_the_thing_is_replaced_and_the_rest_stays(tmp_path):
    folder = tmp_path / "deep" / "model"
    write(folder, "old")
    (folder / "checkpoint").write_text("mine")
    (folder / "notes").mkdir()
    (folder / "notes" / "a").write_text("mine, too")
    (folder / "away").symlink_to("nowhere")
    folder.chmod(0o750)
    write(folder, "new")
    assert contents(folder) == {
        "weights": b"new",
        "names": b"new",
        "parts/new": b"new",
        "checkpoint": b"mine",
        "notes/a": b"mine, too",
    }
    assert (folder / "away").readlink() == Path("nowhere") and folder.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "model").symlink_to("disk")
    write(tmp_path / "model", "new")
    assert (tmp_path / "model").is_symlink() and (tmp_path / "disk" / "weights").read_text() == "new"


def test_places_that_cannot_be_exchanged_are_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is no folder"):
        write(tmp_path / "file", "new")
    with pytest.raises(OSError, match="can't be made anew"):
        write(tmp_path / "file" / "model", "new")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="working folder"):
        write(".", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("train", [train_recognizer, train_detector, fine_tune, fine_tune_all_layers])
def test_a_training_whose_folder_can_not_be_made_says_so_before_it_begins(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    base = {"base": "no model"} if train is fine_tune_all_layers else {}
    for out in ("file", "file/model", "loop", ".", "", "..", "m" * 250):
        with pytest.raises(OSError, match=r"is no folder|can't be made anew|can't be exchanged"):
            train("no list.txt", out, **base)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_drafts_that_a_killed_process_left_are_removed_after_a_day(tmp_path):
    write(tmp_path / "model", "old")
    for name, age in ((".model.0.draft", 2 * 86400), (".model.1.draft", 60)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, (tmp_path / "model").stat().st_mtime - age))
    write(tmp_path / "model", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.1.draft", "model"]


@pytest.fixture
def writers(tmp_path, monkeypatch):
    """For each kind of folder: write an old one, and a new one over it."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(photos / name), np.full((20, 60, 3), 255, np.uint8))
    lists.write_recognition(photos / "old.txt", [(photos / "a.png", "old")])
    lists.write_recognition(photos / "new.txt", [(photos / "a.png", "new"), (photos / "b.png", "new")])
    for name in ("old", "new"):
        lmdb_store.pack(photos / f"{name}.txt", tmp_path / name)
    project = Project.open(photos)
    for name in project.images:
        project.confirm(name, [Label([[0, 0], [50, 0], [50, 10], [0, 10]], name)])
    monkeypatch.setattr(models, "_inference_config", lambda source, weights: weights)

    yield {
        "any": (lambda folder: write(folder, "old"), lambda folder: write(folder, "new")),
        "crops": (
            lambda folder: export_recognition(project, folder, ["a.png"]),
            lambda folder: export_recognition(project, folder),
        ),
        "unpacked": (
            lambda folder: lmdb_store.unpack(tmp_path / "old", folder),
            lambda folder: lmdb_store.unpack(tmp_path / "new", folder),
        ),
        "packed": (lambda folder: None, lambda folder: lmdb_store.pack(photos / "new.txt", folder)),
        "weights": tuple(
            lambda folder, name=name: models._materialise(folder, models._SOURCES["text_detection"], name)
            for name in (b"old", b"new")
        ),
    }  # fmt: skip
    project.close()


@pytest.mark.parametrize(
    ("kind", "at_once"),
    [("any", True), ("any", False), ("crops", True), ("unpacked", True), ("packed", True), ("weights", True)],
)
def test_whatever_call_fails_the_folder_is_old_or_new(kind, at_once, writers, tmp_path, monkeypatch):
    if not at_once:
        monkeypatch.setattr(folders, "_exchange_at_once", lambda first, second: False)
    write_old, write_new = writers[kind]
    folder = tmp_path / "home" / "out"

    def begin():
        if folder.exists():
            shutil.rmtree(folder)
        write_old(folder)

    begin()
    old = contents(folder)
    with failing(0) as calls:
        write_new(folder)
        made = calls()
    new = contents(folder)
    assert old != new and made >= 9
    failed = 0
    for number in range(1, made + 1):
        begin()
        try:
            with failing(number):
                write_new(folder)
        except (OSError, ValueError) as error:
            failed += 1
            assert str(error)
        assert contents(folder) in (old, new), f"call {number} of {made}"
    assert failed >= 6


def test_where_nothing_can_be_flushed_the_folder_is_exchanged_all_the_same(tmp_path, monkeypatch):
    def unsupported(_):
        raise OSError(errno.EINVAL, "Invalid argument")  # as on some network disks

    monkeypatch.setattr(os, "fsync", unsupported)
    write(tmp_path / "model", "old")
    write(tmp_path / "model", "new")
    assert contents(tmp_path / "model")["weights"] == b"new"


_KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.failing import failing
from tests.unit.test_folders import contents, write
folder = Path(sys.argv[2], "model")
write(folder, "new")
new = contents(folder)
write(folder, "old")
old = contents(folder)
for number in range(1, 1000):
    child = os.fork()
    if child == 0:
        with failing(number, die=True):
            write(folder, "new")
        os._exit(0)
    survived = os.waitpid(child, 0)[1] == 0
    assert contents(folder) in (old, new), number
    if survived:
        break
    if contents(folder) == new:
        write(folder, "old")
print(number)
"""


def test_whenever_the_process_is_killed_the_folder_is_old_or_new(tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _KILLED, str(ROOT), str(tmp_path)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0 and int(run.stdout) > 15, run.stderr
