"""Other label formats: what is written is read back, and what can't be read is named."""

import json
import re
from dataclasses import replace

import cv2
import lmdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrbook.crops import smallest_rectangle
from ocrbook.labels import Label, coco, icdar, label_studio, lists, lmdb_store, tables
from ocrbook.labels.files import Parsed, image_size, locate, one_line
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
    (lists.read_detection, "l.txt", "a.png\tAb 7", "line 1: the labels are not JSON"),
    (lists.read_detection, "l.txt", 'a.png\t[{"transcription": "a", "transcription": "b"}]', "comes twice"),
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


def test_a_row_without_an_image_is_not_passed_over(folder):
    (folder / "rec.txt").write_text("[]\ta\n")
    assert lists.read_recognition(folder / "rec.txt") == [(folder / "[]", "a")]


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


# ---- what other programs write


def ls_task(*parts, data=None, **more):
    return {"data": data or {"ocr": "页 0.png"}, "annotations": [{"result": list(parts)}]} | more


def ls_region(name, text="", place=None, kind="rectangle", **more):
    size = {"original_width": 640, "original_height": 480, "id": name, "to_name": "image"} | more
    value = place or {"x": 10, "y": 10, "width": 30, "height": 20}
    return [
        size | {"type": kind, "from_name": "bbox", "value": value},
        size | {"type": "textarea", "from_name": "transcription", "value": value | {"text": text}},
    ]


def ls_read(folder, *tasks, **more):
    (folder / "t.json").write_text(json.dumps(list(tasks)))
    return label_studio.read(folder / "t.json", **more)


RELATION = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
UNUSED = [
    ([RELATION], {"relation": 1}),
    (ls_region("b", ["x"], {"format": "rle", "rle": [1]}, "brush"), {"brush": 1, "textarea": 1}),
    (ls_region("b", ["x"], {"x": 1, "y": 2, "width": 0.5}, "keypointlabels"), {"keypointlabels": 1, "textarea": 1}),
    ([{"type": "choices", "from_name": "page", "id": "b", "value": {"choices": ["bad"]}}], {"choices": 1}),
    ([{"type": "choices", "from_name": "kind", "id": "a", "value": {"choices": "seal"}}], {"choices": 1}),
    ([{"type": "number", "from_name": "n", "id": "a", "value": {"number": 3}}], {"number": 1}),
    ([{"type": "textarea", "from_name": "note", "id": "a", "value": {"text": "?"}}], {"textarea": 1}),
    ([{"type": "labels", "from_name": "l", "id": "a", "value": {"labels": ["Text", "Seal"]}}], {"label": 1}),
    (
        [{"type": "rectangle", "id": "a"}, {"type": "polygonlabels", "id": "b", "value": None}],
        {"rectangle": 1, "polygonlabels": 1},
    ),
]


@pytest.mark.parametrize(("parts", "counted"), UNUSED)
def test_label_studio_parts_without_a_use_are_passed_over_and_counted(folder, parts, counted):
    for order in (1, -1):
        pages = ls_read(folder, ls_task(*[*ls_region("a", ["Total"]), *parts][::order]))
        assert pages[0].texts == ["Total"] and pages.passed_over == counted


def test_label_studio_regions_are_never_taken_for_one(folder):
    places = [{"x": x, "y": 10, "width": 30, "height": 20} for x in (10, 50)]
    pages = ls_read(folder, ls_task(*(part for place in places for part in ls_region(None, "x", place))))
    assert len(pages[0].lines) == 2 and pages.passed_over == {"textarea": 2}  # whose texts these are, nobody knows
    with pytest.raises(ValueError, match="task 1: region a: two places for one region"):
        ls_read(folder, ls_task(*(part for place in places for part in ls_region("a", "x", place))))


def test_label_studio_chooses_one_result_and_counts_the_others(folder):
    results = {text: {"result": ls_region("a", [text])} for text in ("first", "second", "guess")}
    task = ls_task() | {"annotations": [results["first"], results["second"], {"result": [], "was_cancelled": True}]}
    pages = ls_read(
        folder, task, task | {"annotations": [results["first"] | {"ground_truth": True}, results["second"]]}
    )
    assert [page.texts for page in pages] == [["second"], ["first"]]
    assert pages.passed_over == {"cancelled annotation": 1, "other annotation": 2}
    only = {"annotations": None, "predictions": [results["first"], results["guess"]], "drafts": [{}]}
    pages = ls_read(folder, ls_task() | only)
    assert pages[0].texts == ["guess"] and pages.passed_over == {"other prediction": 1, "draft": 1}
    assert ls_read(folder, {"data": {"ocr": "页 0.png"}})[0].lines == []


def test_one_value_stands_for_a_list_of_one(folder):
    parts = [*ls_region("a", "Total", kind="rectanglelabels")]
    parts[0]["value"] = parts[0]["value"] | {"rectanglelabels": "Seal"}
    parts.append({"type": "choices", "from_name": "difficult", "id": "a", "value": {"choices": "difficult"}})
    (page,) = ls_read(folder, ls_task() | {"annotations": {"result": parts}})
    assert (page.texts, page.lines[0].key_cls, page.lines[0].difficult) == (["Total"], "Seal", True)
    (folder / "t.json").write_text(json.dumps(ls_task(*ls_region("a", "x"))))
    assert label_studio.read(folder / "t.json")[0].texts == ["x"]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"image": "页 0.png", "id": 7, "text": "hello"}, None),
        ({"photo": "页%200.png"}, None),
        ({"img": "s3://bucket/scans/%E9%A1%B5%200.png", "pdf": "a.pdf"}, None),
        ({"before": "other.png", "after": "https://host/x/页 0.png?sig=a%2Fb"}, "after"),
        ({"ocr": "/data/local-files/?d=页%200.png", "image": "b.png"}, None),
        ({"url": "页 0.png", "captions": ["a", "b"]}, None),
    ],
)
def test_label_studio_images_are_found_under_other_keys(folder, data, key):
    pages = ls_read(folder, ls_task(data=data), key=key)
    assert pages[0].image == (folder / "页 0.png").as_posix()


def test_label_studio_takes_no_other_image_of_the_same_name(folder):
    for address in ("/data/local-files/?d=sub/页 0.png", "sub/页 0.png"):
        assert ls_read(folder, ls_task(data={"ocr": address}))[0].image == (folder / "sub" / "页 0.png").as_posix()
    (page,) = ls_read(folder, ls_task(data={"ocr": "/data/upload/1/0a1b2c3d-%E9%A1%B5%200.png"}))
    assert page.image == (folder / "页 0.png").as_posix()


def test_label_studio_asks_which_of_two_images_is_meant(folder):
    with pytest.raises(ValueError, match="task 1: which of 'before', 'after' in its data is the image"):
        ls_read(folder, ls_task(data={"before": "a.png", "after": "b.png"}))
    with pytest.raises(ValueError, match="task 1: no 'photo'"):
        ls_read(folder, ls_task(data={"before": "a.png"}), key="photo")


def test_label_studio_tasks_of_several_images_become_a_page_for_each(folder):
    parts = [*ls_region("a", "1", item_index=1), *ls_region("b", "0", item_index=0)]
    pages = ls_read(folder, ls_task(*parts, data={"pages": ["页 0.png", "页 1.png"]}))
    assert [(page.image[-5:], page.texts) for page in pages] == [("0.png", ["0"]), ("1.png", ["1"])]


def test_label_studio_shapes_stand_where_they_were_drawn(folder):
    place = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "rotation": 90}
    (page,) = ls_read(folder, ls_task(*ls_region("a", "seal", place, "ellipse")))
    assert page.texts == ["seal"] and len(page.lines[0].points) == 16
    assert np.allclose(page.lines[0].box, (296, 176, 344, 304), atol=1)
    measured = [part | {"original_width": None} for part in ls_region("a", "x")]
    (page,) = ls_read(folder, ls_task(*measured))
    assert page.lines[0].box == (64, 48, 256, 144)
    with pytest.raises(ValueError, match="task 1: region a: no original_width or original_height, nor an image"):
        ls_read(folder, ls_task(*measured, data={"ocr": "gone.png"}))
    with pytest.raises(ValueError, match="turned by 90 degrees"):
        ls_read(folder, ls_task(*ls_region("a", "x", image_rotation=90)))


def coco_read(folder, *annotations, **more):
    content = {
        "images": [{"id": 1, "file_name": "页 0.png"}],
        "categories": [{"id": 1, "name": "text"}],
        "annotations": [{"image_id": 1, "category_id": 1, "text": "x"} | each for each in annotations],
    }
    (folder / "c.json").write_text(json.dumps(content | more))
    return coco.read(folder / "c.json")


SQUARE = [10, 10, 30, 10, 30, 20, 10, 20]


@pytest.mark.parametrize(
    ("annotation", "box", "counted"),
    [
        ({"segmentation": [SQUARE, [40, 10, 60, 10, 60, 20]]}, (10, 10, 60, 20), {"several polygons": 1}),
        ({"segmentation": SQUARE}, (10, 10, 30, 20), {}),
        ({"segmentation": [[]], "bbox": [1, 2, 3, 4]}, (1, 2, 4, 6), {}),
        ({"segmentation": {"counts": "x", "size": [1, 1]}, "bbox": [1, 2, 3, 4]}, (1, 2, 4, 6), {"bit mask": 1}),
        ({"segmentation": {"counts": [1], "size": [1, 1]}}, None, {"bit mask": 1, "no place": 1}),
        ({"caption": "a dog"}, None, {"no place": 1}),
        ({"bbox": [1, 2, 3, 4], "attributes": None, "category_id": None}, (1, 2, 4, 6), {}),
        ({"bbox": [1, 2, 3, 4], "attributes": {"difficult": None}, "score": None, "iscrowd": None}, (1, 2, 4, 6), {}),
        ({"bbox": [1, 2, 3, 4], "image_id": 1.0, "category_id": 1.0}, (1, 2, 4, 6), {}),
    ],
)
def test_coco_shapes_of_other_programs(folder, annotation, box, counted):
    pages = coco_read(folder, {"bbox": [0, 0, 9, 9]}, annotation)
    assert pages.passed_over == counted
    assert [np.allclose(line.box, box, atol=0.01) for line in pages[0].lines[1:]] == [True] * (box is not None)


def test_coco_crowds_are_difficult_and_categories_may_be_missing(folder):
    (page,) = coco_read(folder, {"bbox": [0, 0, 9, 9], "iscrowd": 1}, {"bbox": [0, 0, 9, 9], "iscrowd": 0})
    assert [line.difficult for line in page.lines] == [True, False]
    (folder / "c.json").write_text('{"images": [{"id": -1, "file_name": "页 0.png"}], "annotations": []}')
    assert coco.read(folder / "c.json")[0].lines == []


@pytest.mark.parametrize(
    ("annotation", "more", "reason"),
    [
        ({"bbox": [True, 0, 9, 9]}, {}, "annotation 1: a value of bbox is True"),
        ({"bbox": ["1", 0, 9, 9]}, {}, "annotation 1: a value of bbox is '1'"),
        ({"bbox": [0, 0, 9]}, {}, "annotation 1: bbox is"),
        ({"bbox": [0, 0, -9, 9]}, {}, "annotation 1: bbox is"),
        ({"bbox": [0, 0, float("nan"), 9]}, {}, "NaN is not a number in JSON"),
        ({"segmentation": [[1, 2, 3]]}, {}, "annotation 1: its polygon is"),
        ({"image_id": "1"}, {}, "annotation 1: image_id '1' is not one of the images"),
        ({"image_id": True}, {}, "annotation 1: image_id is True"),
        ({"image_id": [1]}, {}, "annotation 1: image_id is"),
        ({"bbox": [0, 0, 9, 9], "category_id": 5}, {}, "annotation 1: category_id 5 is not one"),
        ({"bbox": [0, 0, 9, 9], "text": 42}, {}, "annotation 1: transcription is 42"),
        ({"bbox": [0, 0, 9, 9], "text": "\ud83d"}, {}, "annotation 1: transcription"),
        ({}, {"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}, "image 2: another one has the id"),
        ({}, {"images": {}}, "images is {}, expected a list"),
    ],
)
def test_coco_that_cannot_be_meant_is_refused(folder, annotation, more, reason):
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        coco_read(folder, annotation, **more)
    assert "c.json" in str(error.value) and "\n" not in str(error.value)


ICDAR = [
    ("1.5,2,30.25,2,30,12,1,12,Exit", (1, 2, 30.25, 12), "Exit", {}),
    ("1,2,30,2,30,12,1,12,Latin,Exit, now\n1,2,30,2,30,12,1,12,None,###", (1, 2, 30, 12), "Exit, now", {"script": 2}),
    ("1,2,30,2,30,12,1,12,Latin,Exit\n1,2,30,2,30,12,1,12,b", (1, 2, 30, 12), "Latin,Exit", {}),
    ('1, 2, 30, 12, "Exit, \\"now\\""', (1, 2, 30, 12), 'Exit, "now"', {}),
    ('1 2 30 12 "Exit"', (1, 2, 30, 12), "Exit", {}),
    ("1,2,30,12,Exit, now", (1, 2, 30, 12), "Exit, now", {}),
    ("1,2,30,12,25", (1, 2, 30, 12), "25", {}),
    ('1,2,30,2,30,12,1,12,"Exit"', (1, 2, 30, 12), '"Exit"', {}),
]


@pytest.mark.parametrize(("content", "box", "text", "counted"), ICDAR)
def test_icdar_of_all_years(folder, content, box, text, counted):
    (folder / "gt_页 1.txt").write_text(f"\ufeff{content}\n", "utf-8")
    pages = icdar.read(folder)
    assert (pages[0].lines[0].box, pages[0].lines[0].text, pages.passed_over) == (box, text, counted)


@pytest.mark.parametrize("name", ["GT_页 1.TXT", "gt_页 1.Txt"])
def test_icdar_files_are_found_whatever_their_case(folder, name):
    (folder / name).write_text("1,2,30,2,30,12,1,12,### \n", "utf-8")
    assert [line.difficult for line in icdar.read(folder)[0].lines] == [True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("1,2,30,2,30,1x,1,12,text", "line 1: 9 columns, 5 of them numbers"),
        ("1,2,30,2,30,12,1,12", "line 1: 8 columns"),
        ("1,2,30,2,30,12,1,12,a\n1,2,30,12,b", "line 2: 4 numbers, but the first row has 8"),
        ("30,2,1,12,b", "line 1: [30.0, 2.0, 1.0, 12.0] is not left"),
        ("1,2,30,2,30,1e99,1,12,text", "line 1: [30.0, 1e+99] is not a corner"),
        ("nan,2,30,2,30,12,1,12,text", "line 1: 9 columns, 0 of them numbers"),
        ("\uff11,2,30,2,30,12,1,12,text", "line 1: 9 columns, 0 of them numbers"),
    ],
)
def test_icdar_rows_that_cannot_be_meant_are_refused(folder, content, reason):
    (folder / "gt_页 1.txt").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=re.escape(reason)):
        icdar.read(folder)


def test_icdar_refuses_a_name_of_two_images_and_texts_that_look_like_mlt(folder):
    (folder / "gt_页 1.txt").write_text("1,2,30,2,30,12,1,12,a\n", "utf-8")
    (folder / "页 1.jpg").write_bytes((folder / "页 1.png").read_bytes())
    with pytest.raises(ValueError, match="more than one image 页 1"):
        icdar.read(folder)
    page = Page((folder / "页 0.png").as_posix(), [Label([[0, 0], [9, 0], [9, 9], [0, 9]], "Latin,a")])
    with pytest.raises(ValueError, match="those of MLT"):
        icdar.write(folder / "gt", [page])


def test_table_attributes_are_passed_over_and_counted(tmp_path):
    tokens = ["<tr>", "<td", ' colspan="2"', ' style="x"', ">", "</td>", "</tr>"]
    html = {"structure": {"tokens": tokens}, "cells": [{"tokens": ["a"]}]}
    (tmp_path / "gt.txt").write_text(json.dumps({"filename": "a.png", "html": html}))
    found = tables.read(tmp_path / "gt.txt")
    assert found[0].cells[0].colspan == 2 and found.passed_over == {"style": 1}


NAMES = [
    "Zähler/a 1.png",
    "Z\u00e4hler\\A 1.PNG",
    "Za\u0308hler/a 1.png",
    "Z\u00e4hler\\\\a 1.png",
    "..\\in\\Zähler\\a 1.png",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_other_systems_are_found_in_all_formats(tmp_path, name):
    home = tmp_path / "in"
    (home / "Zähler").mkdir(parents=True)
    cv2.imwrite(str(home / "Zähler" / "a 1.png"), np.zeros((48, 64, 3), np.uint8))
    there = home / "Zähler" / "a 1.png"
    (home / "rec.txt").write_text(f"{name}\tx\n", "utf-8")
    (home / "det.txt").write_text(f"{name}\t[]\n", "utf-8")
    (home / "c.json").write_text(json.dumps({"images": [{"id": 1, "file_name": name}], "annotations": []}))
    (home / "t.json").write_text(json.dumps([{"data": {"image": name}}]))
    found = [
        lists.read_recognition(home / "rec.txt")[0][0],
        lists.read_detection(home / "det.txt")[0].image,
        coco.read(home / "c.json")[0].image,
        label_studio.read(home / "t.json")[0].image,
        label_studio.read(home / "t.json", there.parent)[0].image,
    ]
    assert all(there.samefile(path) for path in found)
    assert locate("x" * 5000, home) is None and locate("a\0b", home) is None


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_other_encodings_are_named_with_file_and_row(folder, encoding):
    text = {"latin-1": "é", "utf-16-le": "plain"}.get(encoding, "发票")
    contents = {
        "rec.txt": f"a.png\tb\na.png\t{text}\n",
        "gt_页 1.txt": f"1,1,9,1,9,9,1,9,a\n1,1,9,1,9,9,1,9,{text}\n",
        "t.json": f'[\n"{text}"]',
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content.encode(encoding))
    readers = [
        (lists.read_recognition, "rec.txt"),
        (lists.read_detection, "rec.txt"),
        (tables.read, "rec.txt"),
        (coco.read, "t.json"),
        (label_studio.read, "t.json"),
        (lambda path: icdar.read(folder), "gt_页 1.txt"),
    ]
    for read, name in readers:
        number = 1 if encoding.startswith("utf") or read in (lists.read_detection, tables.read) else 2
        with pytest.raises(ValueError, match=re.escape(f"{name}, line {number}: ")) as error:
            read(folder / name)
        assert read in (lists.read_detection, tables.read) or "UTF-8" in str(error.value)
    (folder / "rec.txt").write_bytes("\ufeffa.png\tb\r\n\rb.png\tc".encode())
    assert [text for _, text in lists.read_recognition(folder / "rec.txt")] == ["b", "c"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, '{"a": 1, "a": 2}', "[NaN]", "[-Infinity]", "9" * 5000]
)
def test_json_is_parsed_strictly(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    for read in (coco.read, label_studio.read, tables.read):
        with pytest.raises(ValueError, match=r"a\.json"):
            read(tmp_path / "a.json")


WRITERS = [
    ("c.json", coco.write, coco.read),
    ("t.json", label_studio.write, label_studio.read),
    ("list.txt", lists.write_detection, lists.read_detection),
    ("gt", icdar.write, lambda path: icdar.read(path, path.parent)),
]


@pytest.mark.parametrize(("name", "write", "read"), WRITERS)
@pytest.mark.parametrize(
    "label",
    [
        {"text": "\ud83d"},
        {"key_cls": "\ud83d"},
        {"points": np.array([[0, 0], [2e9, 0], [1, 1]])},
        {"difficult": 1},
        {"key_cls": 7},
    ],
)
def test_what_cannot_be_read_back_is_not_written(folder, name, write, read, label):
    good = {"points": [[0, 0], [9, 0], [9, 9]], "text": "a", "difficult": False, "key_cls": None} | label
    with pytest.raises(ValueError, match="label 1: ") as error:
        write(folder / name, [Page((folder / "页 0.png").as_posix(), [Label(**good)])])
    assert "\n" not in str(error.value) and not (folder / name).exists()


@pytest.mark.parametrize("name", ["a\tb.png", "a\nb.png", "a\rb.png", "\ufeffa.png", "\udcff.png"])
def test_names_that_a_list_cannot_hold_are_not_written(tmp_path, name):
    for write, item in (
        (lists.write_recognition, (tmp_path / name, "x")),
        (lists.write_detection, Page(str(tmp_path / name))),
    ):
        with pytest.raises(ValueError, match=r"rename the file|UTF-8") as error:
            write(tmp_path / "l.txt", [item])
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="a list of images"):
        lists.write_recognition(tmp_path / "l.txt", [(tmp_path / '["a.png"]', "x")])
    with pytest.raises(ValueError, match="has no image"):
        lists.write_detection(tmp_path / "l.txt", [Page()])
    assert not (tmp_path / "l.txt").exists()


def test_tables_that_cannot_be_read_back_are_not_written(tmp_path):
    cell = tables.Cell(("a",))
    for table in (
        tables.Table("a", [[cell]], header=2),
        tables.Table("a", [[cell]], header=-1),
        tables.Table("a", [[tables.Cell(("a",), colspan=0)]]),
        tables.Table("a", [[tables.Cell(("\ud83d",))]]),
        tables.Table("a", [[tables.Cell(("a",), ((0, 0), (float("nan"), 1)))]]),
        tables.Table("\ud83d", []),
    ):
        with pytest.raises(ValueError, match="table 1: "):
            tables.write(tmp_path / "gt.txt", [table])
    assert not (tmp_path / "gt.txt").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "garbled"])
def test_a_damaged_lmdb_is_named(folder, damage):
    lists.write_recognition(folder / "rec.txt", [(folder / "页 0.png", "a")])
    lmdb_store.pack(folder / "rec.txt", folder / "store")
    file = folder / "store" / "data.mdb"
    content = file.read_bytes()
    made = {"cut": content[:9000], "empty": b"", "text": b"no database " * 999, "garbled": b"\xff" * 64 + content[64:]}
    file.write_bytes(made[damage])
    with pytest.raises(ValueError, match="store") as error:
        list(lmdb_store.read(folder / "store"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("count", [b"0", b"1", b"3"])
def test_an_lmdb_whose_count_is_wrong_is_named(folder, count):
    lists.write_recognition(folder / "rec.txt", [(folder / "页 0.png", "a")] * 2)
    lmdb_store.pack(folder / "rec.txt", folder / "store")
    with lmdb.open(str(folder / "store")) as store, store.begin(write=True) as transaction:
        transaction.put(b"num-samples", count)
    with pytest.raises(ValueError, match=r"store: .*sample"):
        list(lmdb_store.read(folder / "store"))


def test_every_bad_image_is_listed_and_nothing_is_left_behind(folder):
    (folder / "dir.png").mkdir()
    (folder / "none.png").symlink_to("nowhere")
    (folder / "0.png").touch()
    names = ("dir.png", "gone.png", "none.png", "页 0.png")
    (folder / "rec.txt").write_text("".join(f"{name}\tx\n" for name in names), "utf-8")
    with pytest.raises(ValueError, match="3 problems") as error:
        lmdb_store.pack(folder / "rec.txt", folder / "store")
    assert [f"line {row}: no image" in str(error.value) for row in (1, 2, 3, 4)] == [True, True, True, False]
    assert not (folder / "store").exists()
    (folder / "rec.txt").write_text("0.png\tx\n页 0.png\tx\nrec.txt\tx\n", "utf-8")
    lmdb_store.pack(folder / "rec.txt", folder / "store")
    with pytest.raises(ValueError, match="2 problems") as error:
        lmdb_store.unpack(folder / "store", folder / "out")
    assert "sample 1" in str(error.value) and "sample 3" in str(error.value) and not (folder / "out").exists()


def test_what_was_read_is_a_list_with_a_count():
    found = Parsed(["a"], {"relation": 2})
    assert found == ["a"] and found.passed_over.total() == 2 and Parsed().passed_over == {}
