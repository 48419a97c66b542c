import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook.labels.lint import lint
from ocrbook.labels.ppocrlabel import Label
from ocrbook.metrics import iou

SHAPE = (100, 200)  # height, width


def box(left, top, right, bottom, text="A1", **more):
    return Label([[left, top], [right, top], [right, bottom], [left, bottom]], text, **more)


GOOD = box(10, 10, 90, 30)


@pytest.mark.parametrize(
    ("label", "rule", "words"),
    [
        (box(10, 40, 90, 60, "  "), "empty-text", "empty"),
        (box(10, 40, 90, 60, "待识别"), "leftover", "nobody has typed"),
        (box(10, 40, 90, 60, "TEMPORARY"), "leftover", "nobody has typed"),
        (box(10, 40, 90, 60, "A 1 "), "space", "spaces"),
        (box(10, 40, 90, 42), "tiny", "80 x 2"),
        (box(10, 40, 210, 60), "outside", r"\(210, 40\) lies outside the image of 200 x 100"),
        (box(50, 40, 60, 80), "upright", "4.0 times"),
        (box(11, 10, 90, 30), "duplicate", "lies on label 1"),
        (Label([[10, 40], [10, 60], [90, 60], [90, 40]], "A1"), "order", "counterclockwise"),
        (Label([[90, 40], [90, 60], [10, 60], [10, 40]], "A1"), "order", "first corner"),
        (Label([[10, 40], [90, 60], [90, 40], [10, 60]], "A1"), "crossing", "cross"),
        (Label([[10, 40], [90, 40], [50, 40]], "A1"), "crossing", "nothing"),
    ],
)
def test_each_fault_is_found_at_its_label_and_nothing_else(label, rule, words):
    (finding,) = lint([GOOD, label], SHAPE)
    assert (finding.label, finding.rule) == (2, rule)
    assert re.search(words, str(finding))


def test_patterns_and_alphabet_are_checked_for_each_class():
    labels = [box(0, 0, 50, 20, "2026-01-02", key_cls="date"), box(0, 30, 50, 50, "B7", key_cls="lot")]
    rules = {"pattern": ".+", "patterns": {"date": r"\d{4}-\d\d-\d\d", "lot": r"[A-Z]\d\d"}, "alphabet": "0123456789-"}
    assert [(each.label, each.rule) for each in lint(labels, SHAPE, **rules)] == [(2, "pattern"), (2, "alphabet")]


@given(st.integers(0, 100), st.integers(0, 60), st.integers(20, 80), st.integers(5, 13))
def test_upright_boxes_inside_the_image_are_good(left, top, width, height):
    assert lint([box(left, top, left + width, top + height)], SHAPE) == []
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    assert lint([Label([*corners, [left - 0.0, top + height / 2]], "n-gon")], SHAPE) == []


SHAPES = st.lists(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=6)
    | st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)).map(
        lambda box: [[box[0], box[1]], [box[0] + box[2], box[1]], [box[0] + box[2], box[1] + box[3]], [box[0], box[3]]]
    ),
    max_size=12,
)


@given(SHAPES, st.sampled_from([0, 0.3, 0.9, 1, 1.5]))
def test_boxes_drawn_twice_are_those_of_all_pairs(shapes, overlap):
    labels = [Label(points, str(number)) for number, points in enumerate(shapes)]
    pairs = [(i + 1, j + 1) for i in range(len(labels)) for j in range(i) if iou(shapes[i], shapes[j]) >= overlap]
    found = [each for each in lint(labels, SHAPE, overlap=overlap) if each.rule == "duplicate"]
    assert [(each.label, int(re.search(r"on label (\d+)", each.message)[1])) for each in found] == pairs


def test_two_thousand_labels_take_less_than_two_seconds():
    rng = np.random.default_rng(0)
    places = [(i % 50 * 30 + x, i // 50 * 12 + y) for i, (x, y) in enumerate(rng.uniform(0, 20, (1998, 2)))]
    labels = [box(x, y, x + 60, y + 18, "t") for x, y in [*places, places[7], places[9]]]  # each on a dozen others
    start = time.process_time()
    found = lint(labels, (10_000, 10_000))
    assert time.process_time() - start < 2
    assert {(each.label, each.rule) for each in found} >= {(1999, "duplicate"), (2000, "duplicate")}
