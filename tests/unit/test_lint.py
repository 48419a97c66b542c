import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook.labels.lint import lint
from ocrbook.labels.ppocrlabel import Label

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
