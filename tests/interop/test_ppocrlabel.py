"""PPOCRLabel and ocrbook.labels work on the same folder, in turn, and neither loses what the other has done."""

import json
import os
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from ocrbook.labels import Label, Project, tables
from tools.book_files import ROOT

PYTHON = ROOT / ".venv-ppocrlabel" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason="no .venv-ppocrlabel: tools/setup.sh ppocrlabel")

HOSTILE = [
    "plain",
    'he said "no"',
    "back\\slash \\n \\u0041",
    "true, false and null",
    "true",
    "[null]",
    "emoji 😀🧾 é",
    "a\ttab",
    "two\nlines",
    "x" * 2000,
    "__import__('os').system('touch hacked')",
    "{'transcription': 1}",
    "电表 1234.5 kWh",
    "'single' `back` ${x} %s",
    "\u2028 \u00a0 \ufeff",
]


def box(index, width=90):
    x, y = 10 + 100 * (index % 5), 10 + 40 * (index // 5)
    return [[x, y], [x + width, y], [x + width, y + 25], [x, y + 25]]


def drive(tmp_path, steps, *options):
    """The results of steps in PPOCRLabel's window."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    keep = {"PATH", "LANG", "OCRBOOK_CACHE", "XDG_CACHE_HOME", "LD_LIBRARY_PATH"}
    environment = {key: value for key, value in os.environ.items() if key in keep}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True"}
    environment.setdefault("OCRBOOK_CACHE", str(tmp_path / "cache"))
    driver = ROOT / "tests" / "interop" / "drive_ppocrlabel.py"
    command = [PYTHON, driver, json.dumps(options), json.dumps(steps)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("page2.jpg", "page10.jpg", "电 表.png", "true.png"):
        cv2.imwrite(str(folder / "x.jpg"), np.full((240, 560, 3), 220, np.uint8))
        (folder / "x.jpg").rename(folder / name)
    return folder


def seen(labels):
    return {
        "boxes": [label.points.tolist() for label in labels],
        "texts": [label.text for label in labels],
    }


def test_ppocrlabel_shows_our_boxes_texts_and_ticks(folder, tmp_path):
    labels = [Label(box(i), text) for i, text in enumerate(HOSTILE)]
    polygon = Label([[10, 180], [60, 170], [110, 180], [110, 200], [60, 210], [10, 200]], "curved")
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [*labels, polygon])
        project.propose("page10.jpg", [Label(box(0), "proposed", 0.5)])
        project.confirm("电 表.png", [])
        project.confirm("true.png", [Label(box(0), "false")])
    names = ["page2.jpg", "page10.jpg", "电 表.png", "true.png"]
    images, *shown = drive(tmp_path, [["open", str(folder)], *(["show", name] for name in names)])
    assert sorted(images) == sorted(names)
    for page, expected, checked in zip(
        shown,
        ([*labels, polygon], [Label(box(0), "proposed")], [], [Label(box(0), "false")]),
        (True, False, True, True),
        strict=True,
    ):
        assert {key: page[key] for key in ("boxes", "texts")} == seen(expected)
        assert page["checked"] == checked
    assert not list(tmp_path.rglob("hacked"))


def test_after_it_saves_only_what_its_files_cannot_hold_is_lost(folder, tmp_path):
    labels = [Label(box(i), text, 0.25, difficult=i == 0) for i, text in enumerate(HOSTILE)]
    with Project.open(folder, reviewer="Lin") as project:
        project.confirm("page2.jpg", labels)
        project.propose("page10.jpg", [Label(box(0), "proposed", 0.5)])
        project.confirm("电 表.png", [Label(box(1), "kept", 0.75, True)])
        project.flag("电 表.png", "glare")
    drive(tmp_path, [["open", str(folder)], ["check", "page2.jpg"], ["save"], ["close"]])
    with Project.open(folder) as project:
        assert not project.problems
        kept = project.labels("page2.jpg")
        assert [(x.points.tolist(), x.text, x.score) for x in kept] == [
            (x.points.tolist(), x.text, x.score) for x in labels
        ]
        assert not any(label.difficult for label in kept)  # it sets every line that it saves to "not difficult"
        assert (project.state("page10.jpg"), project.labels("page10.jpg")[0].score) == ("proposed", 0.5)
        # what was not checked again is untouched
        assert project.labels("电 表.png") == [Label(box(1), "kept", 0.75, True)]
        history = project.history("电 表.png")
        assert (history.reviewer, history.flag, history.edits) == ("Lin", "glare", 1)


def test_we_open_its_folders_and_give_them_back(folder, tmp_path):
    for name in ("page2.jpg", "page10.jpg"):
        shutil.copy(ROOT / "datasets" / "documents" / "clean_00.jpg", folder / name)
    steps = [["open", str(folder)], ["auto"], ["show", "page2.jpg"], ["edit", "page2.jpg", 0, "由人修改"], ["save"]]
    _, _, shown, *_ = drive(tmp_path, [*steps, ["crops"], ["close"]])
    assert len(shown["texts"]) > 3
    with Project.open(folder, reviewer="Lin") as project:
        assert not project.problems
        assert (project.state("page2.jpg"), project.state("page10.jpg")) == ("confirmed", "proposed")
        assert [label.text for label in project.labels("page2.jpg")] == ["由人修改", *shown["texts"][1:]]
        assert [label.points.tolist() for label in project.labels("page2.jpg")] == shown["boxes"]
        assert [label.text for label in project.labels("page10.jpg")] == shown["texts"]
        assert (folder / "rec_gt.txt").read_text("utf-8").splitlines()[0].split("\t")[1] == "由人修改"
        project.confirm("page10.jpg", [*project.labels("page10.jpg"), Label(box(0), "added")])
    _, page = drive(tmp_path, [["open", str(folder)], ["show", "page10.jpg"]])
    assert page["checked"] and page["texts"] == [*shown["texts"], "added"]


def test_classes_go_both_ways_in_kie_mode(folder, tmp_path):
    classes = ["total", "日期", "None", "null", "a b"]
    labels = [Label(box(i), f"text {i}", key_cls=name) for i, name in enumerate(classes)]
    with Project.open(folder) as project:
        project.confirm("page2.jpg", labels)
        project.propose("page10.jpg", labels[:2])
    steps = [["open", str(folder)], ["show", "page2.jpg"], ["check", "page10.jpg"], ["check", "page2.jpg"], ["save"]]
    _, page, *_ = drive(tmp_path, [*steps, ["close"]], "--kie", "true")
    assert page["classes"] == classes and page["checked"]
    with Project.open(folder) as project:
        assert project.labels("page2.jpg") == labels
        assert project.labels("page10.jpg") == labels[:2]
        assert project.state("page10.jpg") == "confirmed"


def test_its_tables_are_read_and_written_as_it_writes_them(folder, tmp_path):
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [Label(box(i), text) for i, text in enumerate(("Meter", "kWh", "A&1", "12"))])
    rows = [["Meter", None], ["kWh", "A&1"], ["12", None]]
    sheet = ["sheet", "page2.jpg", rows, ["A1:B1", "B2:B3"]]
    drive(tmp_path, [["open", str(folder)], sheet, ["tables"], ["close"]])
    (table,) = tables.read(folder / "gt.txt")
    assert table.image == "page2.jpg"
    assert [[(cell.text, cell.colspan, cell.rowspan) for cell in row] for row in table.rows] == [
        [("Meter", 2, 1)],
        [("kWh", 1, 1), ("A&1", 1, 2)],
        [("12", 1, 1)],
    ]
    assert [list(map(list, cell.points)) for cell in table.cells] == [box(i) for i in range(4)]
    tables.write(folder / "again.txt", [table])
    assert (folder / "again.txt").read_bytes() == (folder / "gt.txt").read_bytes()
