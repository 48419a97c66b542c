"""The annotator's Python side, and that its module computes and writes the same as Python."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.annotate import annotate, duplicate, in_reading_order, move, recognise, standalone, to_rectangle
from ocrbook.annotate.images import encoded
from ocrbook.annotate.standalone import MODULE, label_to_json
from ocrbook.labels import Label, Project
from ocrbook.labels.ppocrlabel import file_name, join_row, split_row, to_entry, to_label

BOX = [[10, 20], [60, 20], [60, 40], [10, 40]]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        cv2.imwrite(str(folder / name), np.full((100, 200, 3), 200, np.uint8))
    return folder


@pytest.fixture
def project(folder):
    with Project.open(folder, reviewer="Li") as project:
        yield project


class Reader:
    """Reads every crop as its height, uncertainly."""

    def predict(self, image):
        return [{"rec_text": f"{image.shape[0]} 像素", "rec_score": 0.5}]


def messages_of(widget):
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    return sent


def test_a_page_that_starts_gets_the_images_least_certain_first_and_the_first_page(project):
    project.propose("a.png", [Label(BOX, "a", 0.9)])
    project.propose("b.png", [Label(BOX, "b", 0.4, key_cls="total")])
    project.confirm("c.png", [])
    widget = annotate(project, classes=["date"])
    sent = messages_of(widget)
    widget.handle({"do": "start", "view": 3})
    (about, _), (page, buffers) = sent
    assert [row["name"] for row in about["images"]] == ["b.png", "a.png", "c.png"]
    assert (about["classes"], about["can_read"]) == (["date", "total"], False)
    assert page["name"] == "b.png" and page["labels"][0]["text"] == "b" and page["mime"] == "image/png"
    assert buffers == [(project.folder / "b.png").read_bytes()]
    assert about["view"] == page["view"] == 3


def test_changes_are_stored_before_they_are_acknowledged(project):
    widget = annotate(project)
    sent = messages_of(widget)
    label = label_to_json(Label(BOX, "新", 1.0, True, "x"))
    widget.handle({"do": "change", "name": "a.png", "labels": [label], "pending": 7, "view": 3})
    assert sent[-1][0]["pending"] == 7 and sent[-1][0]["image"]["state"] == "proposed"
    assert (sent[-1][0]["labels"], sent[-1][0]["view"]) == ([label], 3)  # for the other views
    assert project.labels("a.png") == [Label(BOX, "新", 1.0, True, "x")]
    assert "新" in (project.folder / "labels_journal.jsonl").read_text("utf-8")

    widget.handle({"do": "confirm", "name": "a.png", "labels": [label]})
    widget.handle({"do": "change", "name": "a.png", "labels": [label, label]})
    assert (project.state("a.png"), len(project.labels("a.png"))) == ("confirmed", 2)
    widget.handle({"do": "reopen", "name": "a.png"})
    widget.handle({"do": "flag", "name": "a.png", "reason": "模糊"})
    assert (project.state("a.png"), project.history("a.png").flag) == ("proposed", "模糊")
    assert project.history("a.png").reviewer == "Li"

    widget.handle({"do": "open", "name": "b.png"})
    assert (project.folder / "Cache.cach").read_text("utf-8").count("新") == 2
    assert widget.current == "b.png"


def test_boxes_are_read_again_by_the_model(project):
    widget = annotate(project, Reader())
    sent = messages_of(widget)
    widget.handle({"do": "read", "name": "a.png", "ids": [4, 9], "boxes": [BOX, BOX]})
    assert sent[-1][0] == {
        "show": "texts",
        "name": "a.png",
        "ids": [4, 9],
        "texts": ["20 像素"] * 2,
        "scores": [0.5] * 2,
        "view": None,
    }


def test_what_goes_wrong_is_said_on_the_page(project):
    widget = annotate(project)
    sent = messages_of(widget)
    widget.answer(widget, {"do": "open", "name": "none.png"}, [])
    assert sent[-1][0]["message"] == f"FileNotFoundError: no image none.png in {project.folder}"
    with pytest.raises(ValueError, match='"en" or "zh"'):
        annotate(project, language="de")


@pytest.mark.parametrize(("variable", "language", "spoken"), [("zh", None, "zh"), ("zh", "en", "en"), ("", None, "en")])
def test_the_annotator_speaks_the_language_of_the_edition(project, monkeypatch, variable, language, spoken):
    monkeypatch.setenv("OCRBOOK_LANGUAGE", variable)
    assert annotate(project, language=language).language == spoken


def test_the_plain_calls_do_what_the_buttons_do(project):
    slanted = Label([[10, 20], [60, 25], [58, 45], [8, 40]], "a", 0.5, key_cls="x")
    assert to_rectangle(slanted) == replace(slanted, points=np.array([[8, 20], [60, 20], [60, 45], [8, 45]]))
    assert move(slanted, 1, -1, corner=2).points.tolist() == [[10, 20], [60, 25], [59, 44], [8, 40]]
    assert [label.points[0].tolist() for label in duplicate(slanted)] == [[10, 20], [20, 20]]
    assert recognise(Reader(), project.read("a.png"), [Label(BOX)]) == [Label(BOX, "20 像素", 0.5)]
    with pytest.raises(IndexError):
        move(slanted, 1, 1, corner=4)


def test_formats_that_browsers_do_not_know_become_png(project, folder):
    cv2.imwrite(str(folder / "d.tif"), np.full((10, 10, 3), 7, np.uint8))
    with Project.open(folder, read_only=True) as again:
        content, mime = encoded(again, "d.tif")
        assert mime == "image/png" and cv2.imdecode(np.frombuffer(content, np.uint8), 1)[0, 0, 0] == 7
        assert encoded(again, "a.png") == ((folder / "a.png").read_bytes(), "image/png")


def test_the_page_for_readers_without_a_kernel_stands_alone(project):
    project.propose("a.png", [Label(BOX, "</script><b>")])
    page = standalone(project, ["a.png"], language="zh")
    assert page.count("</script>") == 1
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    data, _ = annotate(project)._repr_mimebundle_()
    assert 'sandbox="allow-scripts allow-downloads"' in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_images_that_cannot_be_shown_stop_neither_the_widget_nor_the_page(project, folder):
    (folder / "b.png").unlink()
    (folder / "x.png").mkdir()
    (folder / os.fsdecode(b"\xb5\xe7.png")).touch()
    with Project.open(folder, read_only=True) as again:
        widget = annotate(again)
        sent = messages_of(widget)
        widget.answer(widget, {"do": "start"}, [])
        assert {row["name"] for row in sent[0][0]["images"]} == {"a.png", "c.png", "x.png"}
        data, _ = annotate(project)._repr_mimebundle_()
        assert "text/html" in data
        page = standalone(project, ["a.png", "b.png", "c.png"])
        assert page.count('"mime": "image/png"') == 2


# the module in Node.js


def in_node(calls):
    """The results of calls [function, arguments] of the module's functions."""
    script = (
        f"import * as module from {json.dumps(MODULE.as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        "console.log(JSON.stringify(JSON.parse(text).map(([name, values]) => {"
        "  try { return module[name](...values); } catch (error) { return { error: error.message }; } })));"
    )
    command = [Path(sys.executable).with_name("node"), "--input-type=module", "-e", script]
    done = subprocess.run(command, input=json.dumps(calls).encode(), capture_output=True, check=True)
    return json.loads(done.stdout)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["true", "a false null", '"\\', "\t\n\r\x00\x7f", "😀é", "\u2028"]
)
POINT = st.tuples(st.floats(0, 300, width=32), st.integers(0, 300) | st.sampled_from([0.5, 1.5, 2.5]))
LABEL = st.builds(
    Label,
    st.lists(POINT, min_size=3, max_size=6),
    TEXT,
    st.just(1.0),
    st.booleans(),
    st.none() | TEXT,
)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.lists(LABEL, max_size=8), min_size=20, max_size=20))
def test_module_and_python_agree_on_order_rectangles_and_rows(pages):
    calls = []
    for labels in pages:
        calls.append(["readingOrder", [[label.points.tolist() for label in labels]]])
        calls.append(["joinRow", ["a/b.png", [label_to_json(label) for label in labels]]])
        calls.append(["splitRow", [join_row("a/b.png", [to_entry(label) for label in labels]).rstrip("\n")]])
        calls.append(["toRectangle", [labels[0].points.tolist() if labels else BOX]])
    results = iter(in_node(calls))
    for labels in pages:
        assert [labels[i] for i in next(results)] == in_reading_order(labels)
        row = join_row("a/b.png", [to_entry(label) for label in labels])
        assert next(results) == row
        read = next(results)
        key, entries = split_row(row.rstrip("\n"))
        assert read == {
            "name": file_name(key),
            "labels": [label_to_json(to_label(entry)) for entry in entries],
        }
        assert next(results) == (to_rectangle(labels[0]).points.tolist() if labels else BOX)


@pytest.mark.parametrize(
    "row",
    [
        "a.png",
        "a/\t[]",
        "a.png\t{}",
        "a.png\t[1]",
        'a.png\t[{"transcription": 1, "points": [[0, 0], [1, 0], [1, 1]]}]',
        'a.png\t[{"transcription": "a", "points": [[0, 0], [1, 0]]}]',
        'a.png\t[{"transcription": "a", "points": [[0, 0], [1, 0], [1, "1"]]}]',
        'a.png\t[{"transcription": "a", "points": [[0, 0], [1, 0], [1, 1]], "difficult": 1}]',
        "a.png\t[].__class__",
        'a.png\t[{"transcription": "\\ud83d", "points": [[0, 0], [1, 0], [1, 1]]}]',
        'a.png\t[{"transcription": "a", "points": [[0, 0], [1, 0], [1, 1e9]]}]',
    ],
)
def test_what_python_refuses_the_module_refuses(row):
    with pytest.raises(ValueError):
        split_row(row)
    (result,) = in_node([["splitRow", [row]]])
    assert set(result) == {"error"}


def test_the_page_alone_takes_ticks_for_pages_without_text_as_python_does(folder):
    row = join_row("photos/a.png", [to_entry(Label(BOX, "a"))])
    tick = "".join(f"photos/{name}.png\t1\n" for name in "abc")
    cases = [
        {"Label.txt": row, "Cache.cach": "photos/C.PNG\t[]\n", "fileState.txt": tick},
        {"Label.txt": row[:-30], "fileState.txt": tick},
        {"Label.txt": row + "photos/b.png\t[{]\n", "fileState.txt": tick},
        {"Label.txt": row + "os/b.png [\n", "fileState.txt": tick},
        {"fileState.txt": tick},
        {"Label.txt": "", "fileState.txt": tick},
    ]
    script = (
        f"import {{ Offline }} from {json.dumps(MODULE.as_uri())};"
        "let text = ''; for await (const part of process.stdin) text += part;"
        "console.log(JSON.stringify(JSON.parse(text).map((files) => {"
        "  const images = ['a.png', 'b.png', 'c.png'].map((name) => ({ name, state: 'new', labels: [], flag: '' }));"
        "  const page = new Offline({ folder: 'photos', images });"
        "  page.take(files);"
        "  return [images.map((image) => image.state), page.files()]; })));"
    )
    command = [Path(sys.executable).with_name("node"), "--input-type=module", "-e", script]
    done = subprocess.run(command, input=json.dumps(cases).encode(), capture_output=True, check=True)
    for files, (states, written) in zip(cases, json.loads(done.stdout), strict=True):
        for content in (files, written):  # what it writes says the same again
            for name in ("Label.txt", "Cache.cach", "fileState.txt"):
                (folder / name).unlink(missing_ok=True)
            for name, text in content.items():
                (folder / name).write_text(text, "utf-8")
            with Project.open(folder, read_only=True) as project:
                assert [project.state(name) for name in project.images] == states, (files, content)
