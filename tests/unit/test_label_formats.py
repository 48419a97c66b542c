"""Other label formats: what is written is read back, and what can't be read is named."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrbook.crops import smallest_rectangle
from ocrbook.labels import Label, coco, icdar, label_studio, lists, lmdb_store, tables
from ocrbook.labels.files import image_size, one_line
from ocrbook.page import Page

HOSTILE = [
    '"',
    "\\",
    "a\tb",
    "true false null",
    "é😀中",
    "1,2,3",
    "###",
    "x" * 2000,
    "\ufeff",
    " a ",
    "[1]",
    "\r",
    "\u2028",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(HOSTILE)
CLASSES = st.none() | st.sampled_from(["None", "text", "Text", "总额", "a b", "<&\"'>"])


@st.composite
def labels(draw, corners=(3, 9), whole=False):
    count = draw(st.integers(*corners))
    number = st.integers(0, 639) if whole else st.floats(0, 639, allow_nan=False, width=32)
    points = draw(st.lists(st.tuples(number, number), min_size=count, max_size=count))
    score = draw(st.floats(0, 1))
    return Label(points, draw(TEXTS), score, difficult=draw(st.booleans()), key_cls=draw(CLASSES))


def pages_of(label):
    return st.lists(st.lists(label, max_size=4), max_size=3)


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"页 {number}.png"), np.full((480, 640, 3), 40 * number, np.uint8))
    return tmp_path


def named(folder, content):
    return [Page((folder / f"页 {number}.png").as_posix(), lines) for number, lines in enumerate(content)]


def facts(pages, points=lambda label: label.points.tolist(), text=lambda label: label.text, score=True):
    rows = []
    for page in pages:
        lines = [
            (points(each), text(each), each.difficult, each.key_cls, each.score if score else 1) for each in page.lines
        ]
        rows.append((page.image, lines))
    return rows


each_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@each_example
@given(content=pages_of(labels()))
def test_coco_gives_back_all_that_it_was_given(folder, content):
    pages = named(folder, content)
    coco.write(folder / "coco.json", pages)
    assert facts(coco.read(folder / "coco.json")) == facts(pages)


@each_example
@given(content=pages_of(labels()))
def test_label_studio_gives_back_all_to_a_thousandth_of_a_pixel(folder, content):
    pages = named(folder, content)
    label_studio.write(folder / "tasks.json", pages)
    read = label_studio.read(folder / "tasks.json")
    # "Text" is the class of labels that have none
    for page in pages:
        page.lines = [replace(x, key_cls=None) if x.key_cls == "Text" else x for x in page.lines]
    assert facts(read, points=lambda _: None) == facts(pages, points=lambda _: None)
    for after, before in zip(read, pages, strict=True):
        for a, b in zip(after.lines, before.lines, strict=True):
            assert np.abs(a.points - b.points).max() <= 0.001


@each_example
@given(content=pages_of(labels(whole=True)))
def test_detection_list_keeps_all_but_scores(folder, content):
    pages = named(folder, content)
    lists.write_detection(folder / "list.txt", pages)
    assert facts(lists.read_detection(folder / "list.txt")) == facts(pages, score=False)


@each_example
@given(content=pages_of(labels(whole=True)))
def test_icdar_keeps_quadrilaterals_and_texts_of_a_line(folder, content):
    pages = named(folder, content)
    icdar.write(folder / "gt", pages)
    for page in pages:
        page.lines = [
            Label(
                x.points if len(x.points) == 4 else np.rint(smallest_rectangle(x.points)),
                "###" if x.difficult else one_line(x.text),
                difficult=x.difficult or x.text == "###",
            )
            for x in page.lines
        ]
    read = icdar.read(folder / "gt", folder)
    assert facts(read[: len(pages)]) == facts(pages)


@each_example
@given(texts=st.lists(TEXTS, max_size=3))
def test_recognition_list_and_lmdb_keep_texts_of_a_line_and_image_bytes(folder, texts):
    samples = [(folder / f"页 {number}.png", text) for number, text in enumerate(texts)]
    lists.write_recognition(folder / "rec.txt", samples)
    kept = [one_line(text) for text in texts]
    read = lists.read_recognition(folder / "rec.txt")
    assert read == [(path, text) for (path, _), text in zip(samples, kept, strict=True)]

    store = folder / "store"
    for made in (store, folder / "unpacked"):
        for file in sorted(made.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        if made.exists():
            made.rmdir()
    assert lmdb_store.pack(folder / "rec.txt", store) == len(texts)
    assert list(lmdb_store.read(store)) == [(path.read_bytes(), text) for path, text in read]
    assert lmdb_store.unpack(store, folder / "unpacked") == len(texts)
    again = lists.read_recognition(folder / "unpacked" / "rec_gt.txt")
    assert [(path.read_bytes(), text) for path, text in again] == [(path.read_bytes(), text) for path, text in read]


@st.composite
def some_tables(draw):
    cell = st.builds(
        tables.Cell,
        st.lists(st.characters(exclude_categories=["Cs"]) | st.sampled_from(["<b>", "</b>"]), max_size=6).map(tuple),
        st.none() | st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=4, max_size=4).map(tuple),
        st.integers(1, 3),
        st.integers(1, 3),
    )
    rows = draw(st.lists(st.lists(cell, max_size=3), max_size=4))
    return tables.Table(draw(TEXTS), rows, draw(st.integers(0, len(rows))))


@each_example
@given(content=st.lists(some_tables(), max_size=3))
def test_tables_are_given_back_as_they_were(tmp_path, content):
    tables.write(tmp_path / "gt.txt", content)
    assert tables.read(tmp_path / "gt.txt") == content


def test_table_is_written_with_the_tags_of_pubtabnet():
    table = tables.Table("a.png", [[tables.Cell(("A", "&"), colspan=2)], [tables.Cell(), tables.Cell(("b",))]], 1)
    tags = '<thead> <tr> <td| colspan="2"|> </td> </tr> </thead> <tbody> <tr> <td> </td> <td> </td> </tr> </tbody>'
    assert table.structure() == re.split(r"\|| (?=<)", tags)
    assert table.html() == (
        "<html><body><table><thead><tr><td colspan=2>A&amp;</td></tr></thead>"
        "<tbody><tr><td></td><td>b</td></tr></tbody></table></body></html>"
    )


def test_files_of_other_programs_are_understood(folder):
    annotation = {"image_id": 7, "category_id": 3, "bbox": [1, 2, 30, 10], "utf8_string": "Exit"}
    foreign = {
        "images": [{"id": 7, "file_name": "页 0.png"}],
        "categories": [{"id": 3, "name": "sign"}],
        "annotations": [annotation],
    }
    (folder / "coco.json").write_text(json.dumps(foreign))
    (page,) = coco.read(folder / "coco.json")
    assert (page.lines[0].text, page.lines[0].key_cls, page.lines[0].box) == ("Exit", "sign", (1, 2, 31, 12))

    (folder / "gt_页 1.txt").write_bytes("\ufeff1,2,30,2,30,12,1,12,a, b\r\n\r\n1,2,3,2,3,4,1,4,###\r\n".encode())
    (page,) = icdar.read(folder)
    assert [(line.text, line.difficult) for line in page.lines] == [("a, b", False), ("###", True)]

    (folder / "rec.txt").write_text('["页 0.png", "页 1.png"]\t7\n')
    assert lists.read_recognition(folder / "rec.txt") == [(folder / "页 0.png", "7"), (folder / "页 1.png", "7")]

    place = {"x": 50, "y": 50, "width": 10, "height": 5, "rotation": 90}
    part = {"id": "r", "type": "rectanglelabels", "from_name": "label", "original_width": 640, "original_height": 480}
    task = {
        "data": {"ocr": "/data/upload/1/0a1b2c3d-%E9%A1%B5%200.png"},
        "annotations": [
            {"result": [part | {"value": place | {"rectanglelabels": ["Text"]}}]},
            {"result": [], "was_cancelled": True},
        ],
    }
    (folder / "tasks.json").write_text(json.dumps([task]))
    (page,) = label_studio.read(folder / "tasks.json", folder)
    assert page.image == (folder / "页 0.png").as_posix()
    assert page.lines[0].points.tolist() == [[320, 240], [320, 304], [296, 304], [296, 240]]


def test_predictions_carry_their_scores_into_label_studio(folder):
    page = Page((folder / "页 0.png").as_posix(), [Label([[0, 0], [64, 0], [64, 48], [0, 48]], "a", 0.25)])
    label_studio.write(folder / "tasks.json", [page], confirmed=False)
    (task,) = json.loads((folder / "tasks.json").read_text("utf-8"))
    (prediction,) = task["predictions"]
    assert prediction["score"] == 0.25 and prediction["result"][0]["value"]["width"] == 10
    assert label_studio.read(folder / "tasks.json")[0].lines == page.lines


BROKEN = [
    (coco.read, "c.json", "[1]", "not a COCO file"),
    (coco.read, "c.json", "{", "not JSON"),
    (
        coco.read,
        "c.json",
        '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "text"}], "annotations": '
        '[{"image_id": 1, "category_id": 1, "segmentation": [[1, 2, 3, 4]]}]}',
        "annotation 1: points must be a list of three corners",
    ),
    (label_studio.read, "t.json", '[{"data": {}}]', "task 1: no 'ocr'"),
    (label_studio.read, "t.json", "{}", "not a list of tasks"),
    (lists.read_detection, "l.txt", 'a.png\t[]\nb.png\t[{"points": 1}]', "line 2: label 1: no transcription"),
    (lists.read_recognition, "l.txt", "a.png 7", "line 1: no tab"),
    (tables.read, "gt.txt", "{}", "line 1: no 'html'"),
    (
        tables.read,
        "gt.txt",
        '{"filename": "a", "html": {"structure": {"tokens": ["<tr>", "<td>", "</td>", "</tr>"]}, "cells": []}}',
        "line 1: the structure has 1 cells, but 0 are given",
    ),
    (
        tables.read,
        "gt.txt",
        '{"filename": "a", "html": {"structure": {"tokens": ["<script>"]}, "cells": []}}',
        "line 1: unknown token '<script>'",
    ),
]


@pytest.mark.parametrize(("read", "name", "content", "message"), BROKEN)
def test_what_is_broken_is_named_with_file_and_place(tmp_path, read, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read(tmp_path / name)
    assert name in str(error.value)


def test_broken_folders_are_named(folder):
    (folder / "gt_页 1.txt").write_text("1,2,3\n")
    with pytest.raises(ValueError, match=r"gt_页 1\.txt, line 1: 3 columns"):
        icdar.read(folder)
    (folder / "gt_页 1.txt").rename(folder / "gt_none.txt")
    with pytest.raises(FileNotFoundError, match="no image none"):
        icdar.read(folder)
    twins = [Page((folder / name).as_posix()) for name in ("a.png", "a.jpg")]
    with pytest.raises(ValueError, match=r"would both be gt_a\.txt"):
        icdar.write(folder / "gt", twins)
    with pytest.raises(FileNotFoundError, match="no LMDB"):
        next(lmdb_store.read(folder))
    with pytest.raises(FileExistsError, match="exists"):
        lmdb_store.pack(folder / "rec.txt", folder)


def test_image_size_is_that_of_the_turned_image(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert image_size(tmp_path / "a.jpg") == (20, 40)
    (tmp_path / "b.jpg").write_text("x")
    with pytest.raises(ValueError, match="not an image"):
        image_size(tmp_path / "b.jpg")
